"""Public programs: where they are, how they are run, and what is to be recognised in them.

They are no part of this project: ``--folder`` has a clone of each repository, called as there. The
expectations were written by hand, after reading each program: where its steps are, how many if they
come to their end, and whether somebody with the three lines would have put ``seen.using()`` or
``seen.validate()`` anywhere.
"""

import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from bench.programs.watching import watched

REPOSITORIES = {
    "nn-zero-to-hero": ("karpathy", "73c3fcc741f0ec104ca850b1fb0df90e7e8d4cde"),
    "ng-video-lecture": ("karpathy", "52201428ed7b46804849dea0b3ccf0de9df1a5c3"),
    "makemore": ("karpathy", "988aa59e4d8fefa526d06f3b453ad116258398d4"),
    "nanoGPT": ("karpathy", "3adf61e154c3fe3fca428ad6bc3818b27a3b8291"),
    "minGPT": ("karpathy", "37baab71b9abea1b76ab957409a1cc2fbfba8a26"),
    "examples": ("pytorch", "77f55b912142e11fcfdf5b530231fb9c52f181e8"),
    "pytorch-tutorial": ("yunjey", "0500d3df5a2a8080ccfccbc00aca0eacc21818db"),
    "pytorch-deep-learning": ("mrdbourke", "baa27b691617461c173ecf3439793cd8cde74e13"),
    "udlbook": ("udlbook", "a8fe82b5e155cb4f42415d2461ffa23224b1173b"),
    "PyTorch-Tutorial": ("MorvanZhou", "dbe154a9e56635e51c6b0c2ccea8ae36cfb585a7"),
    "pytorch-examples": ("jcjohnson", "0003fcdc606a79951e53bf8f46f8574fa4739f23"),
    "pytorchTutorial": ("patrickloeber", "69637721ed9fa2ccf81a1093a928a52bbb591439"),
    "nlp-tutorial": ("graykode", "d05e31ec81d56d70c1db89b99ab07e948f7ebc11"),
    "NYU-DLSP20": ("Atcold", "3049c83260ba05700e2ab9b7ed13cdbe5ddba0fd"),
    "harmonic-oscillator-pinn": ("benmoseley", "f00c5d9c8ac778f82186c1f2501c2dc2c8fb1de4"),
    "tiny-diffusion": ("tanelp", "726b6bbbf2c9e3d23dff9eaea2fda10d0af6a78c"),
    "real-nvp-pytorch": ("senya-ashukha", "90c7562dc87f99073c4f4958780c5c69993e3012"),
    "LLMs-from-scratch": ("rasbt", "28c65cdfbc3338e2e040016eea4b7fdf556e4d57"),
    "d2l-pytorch-colab": ("d2l-ai", "f8543710a7046a947464f0fa3ad0f8619d7613d3"),
}
"""Owner and commit of each."""


@dataclass(frozen=True)
class Expected:
    """A training that is in a program.

    Attributes:
        place: the line of the loop of which an iteration is a step, behind its cell in a notebook.
        steps: how many it has, if it comes to its end; None where chance or time decides.
        used, validated: whether it is used, or judged on other data; None where both are right.
    """

    place: str
    steps: int | None = None
    used: bool | None = None
    validated: bool | None = False


@dataclass(frozen=True)
class PublicProgram:
    """A program.

    Attributes:
        path: of its file, behind its repository's name.
        loops: its trainings.
        arguments: its own.
        data: what it reads, as (where that is in the folder of data, where the program looks).
        prepare: another script of the repository that is run first.
        fails: whether it ends with an error without Glassbox, too.
    """

    path: str
    loops: tuple[Expected, ...]
    arguments: str = ""
    data: tuple[tuple[str, str], ...] = ()
    prepare: str = ""
    fails: bool = False


E = Expected
_MAKEMORE = "nn-zero-to-hero/lectures/makemore"
_NAMES = (("names/names.txt", f"{_MAKEMORE}/names.txt"),)
_YUNJEY = "pytorch-tutorial/tutorials"
_BOURKE = "pytorch-deep-learning"
_UDL = "udlbook/Notebooks"
_MORVAN = "PyTorch-Tutorial/tutorial-contents"
_D2L = "d2l-pytorch-colab"


def _mnist(place: str) -> tuple[tuple[str, str], ...]:
    return (("mnist/MNIST", f"{place}/MNIST"),)


PROGRAMS = (
    PublicProgram(
        f"{_MAKEMORE}/makemore_part1_bigrams.ipynb",
        (E("58:2", 1, True),),
        data=_NAMES,
        fails=True,  # its cells use what later cells define
    ),
    PublicProgram(
        f"{_MAKEMORE}/makemore_part2_mlp.ipynb",
        (E("28:1", None, True, True),),
        data=_NAMES,
        fails=True,
    ),
    PublicProgram(
        f"{_MAKEMORE}/makemore_part3_bn.ipynb",
        (E("8:6", None, None, True), E("15:7", 1001, True, True)),
        data=_NAMES,
    ),
    PublicProgram(
        f"{_MAKEMORE}/makemore_part5_cnn1.ipynb", (E("11:6", None, True, True),), data=_NAMES
    ),
    PublicProgram(
        "ng-video-lecture/bigram.py",
        (E("104", None, True, True),),
        data=(("tinyshakespeare/input.txt", "ng-video-lecture/input.txt"),),
    ),
    PublicProgram(
        "makemore/makemore.py",
        (E("670", None, True, True),),
        "--device cpu --max-steps 600 --n-embd 32 --n-embd2 32",
        (("names/names.txt", "makemore/names.txt"),),
    ),
    PublicProgram(
        "nanoGPT/train.py",
        (E("255", None, None, True),),
        "config/train_shakespeare_char.py --device=cpu --compile=False --eval_iters=5"
        " --eval_interval=50 --log_interval=10 --block_size=32 --batch_size=8 --n_layer=2"
        " --n_head=2 --n_embd=64 --max_iters=120 --gradient_accumulation_steps=2",
        (("tinyshakespeare/input.txt", "nanoGPT/data/shakespeare_char/input.txt"),),
        "nanoGPT/data/shakespeare_char/prepare.py",
    ),
    PublicProgram("minGPT/demo.ipynb", (E("81", None, True),)),
    PublicProgram(
        "minGPT/projects/adder/adder.py",
        (E("81", 300, True),),
        "--model.model_type=gpt-nano --trainer.max_iters=300",
    ),
    PublicProgram(
        "examples/mnist/main.py",
        (E("38", None, None, True),),
        "--epochs 1",
        _mnist("examples/data"),
    ),
    PublicProgram(
        "examples/mnist_rnn/main.py",
        (E("45", None, None, True),),
        "--epochs 1",
        _mnist("examples/data"),
    ),
    PublicProgram(
        "examples/vae/main.py",
        (E("95", None, None, True),),
        "--epochs 1",
        _mnist("examples/data"),
    ),
    PublicProgram(
        "examples/siamese_network/main.py",
        (E("196", None, None, True),),
        "--epochs 1",
        _mnist("examples/data"),
    ),
    PublicProgram("examples/regression/main.py", (E("44", None, False),)),
    PublicProgram(
        "examples/time_sequence_prediction/train.py",
        (),  # torch.load refuses its data before it comes to the loop
        "--steps 2",
        prepare="examples/time_sequence_prediction/generate_sine_wave.py",
        fails=True,
    ),
    PublicProgram(
        "examples/word_language_model/main.py",
        (E("171", None, None, True),),
        "--epochs 1 --emsize 32 --nhid 32 --model Transformer",
        tuple(
            ("tinyshakespeare/input.txt", f"examples/word_language_model/data/wikitext-2/{n}.txt")
            for n in ("train", "valid", "test")
        ),
    ),
    PublicProgram(
        "examples/dcgan/main.py",
        (E("223"),),
        "--dataset fake --niter 1 --imageSize 64 --ngf 8 --ndf 8",
    ),
    PublicProgram(
        "examples/mnist_forward_forward/main.py",
        (E("72"), E("72")),  # each layer has a training of its own
        "--epochs 2 --train_size 500 --test_size 100",
        _mnist("examples/mnist_forward_forward/data"),
    ),
    PublicProgram(f"{_YUNJEY}/01-basics/linear_regression/main.py", (E("30", 60, True),)),
    PublicProgram(
        f"{_YUNJEY}/01-basics/logistic_regression/main.py",
        (E("44", 3000, True),),
        data=_mnist("pytorch-tutorial/data"),
    ),
    PublicProgram(
        f"{_YUNJEY}/01-basics/feedforward_neural_network/main.py",
        (E("60", None, True),),
        data=_mnist("pytorch-tutorial/data"),
    ),
    PublicProgram(
        f"{_YUNJEY}/02-intermediate/recurrent_neural_network/main.py",
        (E("70", None, True),),
        data=_mnist("pytorch-tutorial/data"),
    ),
    PublicProgram(
        f"{_YUNJEY}/03-advanced/generative_adversarial_network/main.py",
        (E("83", None, False),),
        data=_mnist("pytorch-tutorial/data"),
    ),
    PublicProgram(
        f"{_YUNJEY}/03-advanced/variational_autoencoder/main.py",
        (E("72", None, True),),
        data=_mnist("pytorch-tutorial/data"),
    ),
    PublicProgram(
        f"{_BOURKE}/01_pytorch_workflow.ipynb",
        (E("40:11", 100, True, True), E("84:13", 1000, True, True)),
    ),
    PublicProgram(
        f"{_BOURKE}/02_pytorch_classification.ipynb",
        (
            E("52:11", 100, True, True),
            E("63:9", 1000, True, True),
            E("78:11", 1000, True, True),
            E("93:9", 1000, True, True),
            E("133:11", 100, True, True),
        ),
    ),
    PublicProgram(
        f"{_BOURKE}/extras/solutions/01_pytorch_workflow_exercise_solutions.ipynb",
        (E("16:13", 300, True, True),),
    ),
    PublicProgram(
        f"{_BOURKE}/extras/solutions/02_pytorch_classification_exercise_solutions.ipynb",
        (E("18:10", 1000, True, True), E("33:5", 1000, True, True)),
    ),
    PublicProgram(f"{_UDL}/Chap08/8_1_MNIST_1D_Performance.ipynb", (E("8:28", 2000, True, True),)),
    PublicProgram(
        f"{_UDL}/Chap09/9_5_Augmentation.ipynb",
        (E("7:27", 2000, True), E("12:27", 2000, True)),
    ),
    PublicProgram(f"{_UDL}/Chap11/11_1_Shattered_Gradients.ipynb", ()),
    PublicProgram(f"{_UDL}/Chap11/11_2_Residual_Networks.ipynb", (E("10:32", None, True, True),)),
    PublicProgram(f"{_MORVAN}/301_regression.py", (E("45", 200, False),)),
    PublicProgram(f"{_MORVAN}/302_classification.py", (E("50", 100, False),)),
    # torch.load refuses a whole network today.
    PublicProgram(f"{_MORVAN}/304_save_reload.py", (E("32", 100, False),), fails=True),
    PublicProgram(f"{_MORVAN}/305_batch_train.py", ()),
    PublicProgram(f"{_MORVAN}/306_optimizer.py", (E("67", 1536, False),)),
    PublicProgram(f"{_MORVAN}/403_RNN_regressor.py", (E("77", 100, False),)),
    PublicProgram(f"{_MORVAN}/406_GAN.py", (E("57"),), fails=True),
    PublicProgram(f"{_MORVAN}/503_dropout.py", (E("59", 500, None, True),)),
    PublicProgram(f"{_MORVAN}/504_batch_normalization.py", (E("136", None, None, True),)),
    PublicProgram("pytorch-examples/autograd/two_layer_net_autograd.py", (E("36", 500, False),)),
    PublicProgram(
        "pytorch-examples/autograd/two_layer_net_custom_function.py", (E("61", 500, False),)
    ),
    PublicProgram("pytorch-examples/nn/dynamic_net.py", (E("58", 500, False),)),
    PublicProgram("pytorch-examples/nn/two_layer_net_module.py", (E("48", 500, False),)),
    PublicProgram("pytorch-examples/nn/two_layer_net_optim.py", (E("37", 500, False),)),
    PublicProgram("pytorchTutorial/05_2_gradientdescent_auto.py", (E("28", 100, True),)),
    PublicProgram("pytorchTutorial/07_linear_regression.py", (E("31", 100, True),)),
    PublicProgram("pytorchTutorial/08_logistic_regression.py", (E("49", 100, True),)),
    PublicProgram(
        "pytorchTutorial/13_feedforward.py",
        (E("70", None, True),),
        data=_mnist("pytorchTutorial/data"),
    ),
    PublicProgram("nlp-tutorial/1-1.NNLM/NNLM.py", (E("62", 5000, True),)),
    PublicProgram(
        "nlp-tutorial/1-2.Word2Vec/Word2Vec-Skipgram(Softmax).py", (E("61", 5000, False),)
    ),
    PublicProgram("nlp-tutorial/2-1.TextCNN/TextCNN.py", (E("62", 5000, True),)),
    PublicProgram("nlp-tutorial/3-2.TextLSTM/TextLSTM.py", (E("59", 1000, True),)),
    PublicProgram(
        "nlp-tutorial/4-2.Seq2Seq(Attention)/Seq2Seq(Attention).py", (E("97", 2000, True),)
    ),
    PublicProgram("nlp-tutorial/5-1.Transformer/Transformer.py", (E("206", 20, True),)),
    PublicProgram(
        "NYU-DLSP20/04-spiral_classification.ipynb",
        (E("12:18", 1000, True), E("16:22", 1000, True)),
    ),
    PublicProgram(
        "NYU-DLSP20/05-regression.ipynb",
        (E("12:18", 1000), *(E("17:30", 1000) for _ in range(10))),  # of ten networks
    ),
    PublicProgram(
        "NYU-DLSP20/08-seq_classification.ipynb",
        tuple(E("9:12", None, None, True) for _ in range(5)),
    ),
    PublicProgram(
        "NYU-DLSP20/10-autoencoder.ipynb",
        (E("10:6", None, True),),
        data=_mnist("NYU-DLSP20/data"),
    ),
    PublicProgram(
        "NYU-DLSP20/11-VAE.ipynb",
        (E("10:10", None, True, True),),
        data=_mnist("NYU-DLSP20/data"),
    ),
    PublicProgram(
        "harmonic-oscillator-pinn/Harmonic oscillator PINN.ipynb", (E("7:23", 1000), E("9:8"))
    ),
    PublicProgram(
        "tiny-diffusion/ddpm.py", (E("183", None, True),), "--dataset moons --num_epochs 20"
    ),
    PublicProgram("real-nvp-pytorch/real-nvp-pytorch.ipynb", (E("4:2", None, True),)),
    PublicProgram(
        "LLMs-from-scratch/appendix-A/01_main-chapter-code/code-part1.ipynb",
        (E("58:13", None, True),),
    ),
    PublicProgram(
        f"{_D2L}/chapter_linear-regression/linear-regression-scratch.ipynb", (E("18:4"),)
    ),
)


@dataclass(frozen=True)
class Score:
    """How a program went.

    Attributes:
        ended: whether it ran to its end, or as far as without Glassbox.
        judgements: of each thing to be recognised, what it is, and whether it was recognised.
    """

    ended: bool
    judgements: tuple[tuple[str, bool], ...]


def score(program: PublicProgram, answer: dict[str, Any], seconds: float) -> Score:
    """Compare what was seen of a program with what is to be seen.

    Steps are counted of a training that was not ended after its seconds.
    """
    judgements = []
    found = list(answer["loops"])
    for expected in program.loops:
        loop = next((loop for loop in found if _place(loop) == expected.place), None)
        if loop is None:
            judgements.append((f"no training at {expected.place}", False))
            continue
        found.remove(loop)
        cut = expected.steps is None or loop["seconds"] > seconds
        seen = (
            (cut or loop["steps"] == expected.steps)
            and loop["first_loss"] is not None
            and loop["last_loss"] is not None
        )
        judgements.append((f"{loop['steps']} steps at {expected.place}", seen))
        for what, wanted in (("uses", expected.used), ("validations", expected.validated)):
            if wanted is not None:
                judged = bool(loop[what]) == wanted
                judgements.append((f"{loop[what]} {what} at {expected.place}", judged))
    judgements += [(f"a training at {_place(loop)}", False) for loop in found]
    broken = answer["exit_status"] != 0 or bool(answer["failed"])
    return Score(broken == program.fails, tuple(judgements))


def _place(loop: dict[str, Any]) -> str:
    where = loop["where"]
    return f"{where['cell']}:{where['line']}" if where["cell"] is not None else str(where["line"])


def ask(program: PublicProgram, folder: Path, data: Path, seconds: float) -> dict[str, Any]:
    """Put a program's data in place, run it unedited, and return what was seen of it."""
    for source, target in program.data:
        place = folder / target
        place.parent.mkdir(parents=True, exist_ok=True)
        if not place.exists():
            (shutil.copytree if (data / source).is_dir() else shutil.copy)(data / source, place)
    path = str(folder / program.path.split("/")[0])  # as its readme says: pip install -e .
    if program.prepare:
        watched(folder / program.prepare, path=path)
    return watched(
        folder / program.path,
        tuple(program.arguments.split()),
        seconds=seconds,
        budget=1.0,
        path=path,
    )

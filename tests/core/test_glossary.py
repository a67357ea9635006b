"""The glossary: its files keep the format, its names exist, and words find their entries."""

import importlib
import re

import pytest

from core import glossary, registry
from core.doctor.verdict.causes import CAUSES
from core.errors import UserError
from core.glossary import LECTURES, Term, find, load, search, terms, terms_in

PAPER = re.compile(r".+ (1[89]|20)\d\d")

LEARNERS = """epoch, perplexity, surprisal, learning curve, early stopping, overfitting,
generalisation gap, explained variance, LR range test, attention weights, weight decay, warm-up,
GRU, BatchNorm, residual connection, embedding, BPE, KV cache, temperature, top-k, top-p,
repetition penalty, logit lens, saturated, dead unit, vanishing gradients, exploding gradients,
update-to-weight ratio, gradient-to-weight ratio, activation, gradient, Kaiming init,
cross-entropy, NLL, nats, bits per character, uniform guess, bigram baseline, unigram baseline,
augmentation, confusion matrix, PCA, cosine similarity, finite-difference check, one-hot, softmax,
logits, dropout, gradient clipping, AdamW, SGD, momentum, cosine schedule, underfitting,
undertrained, at the floor, irreducible loss, target leakage, training/inference mismatch,
overfit one batch, class imbalance, gradient ascent, leakage across the batch dimension,
context too short, QKV, output projection, MLP up, MLP down, input-to-hidden, hidden-to-hidden,
no update, K transposed, resampled, receives no gradient, extrapolated, zeroed inputs, evidence,
top-activating examples, samples during training, nearest tokens, BPE merges, diverged"""


@pytest.fixture
def folder(tmp_path):
    """Write a file of terms: ``folder("## Loss...")`` returns where it lies."""

    def write(text, name="theme.md"):
        (tmp_path / name).write_text(text, encoding="utf-8")
        return tmp_path

    return write


def test_there_are_enough_terms_and_each_has_a_sentence():
    """A meaning is a sentence or two, and no essay."""
    found = terms()
    assert 120 <= len(found) <= 340
    for term in found:
        assert term.meaning.endswith("."), term.title
        assert len(term.meaning) < 330, f"{term.title} is no place for an essay"
        assert term.title[0].isupper() or term.title in ("n-gram", "t-SNE"), term.title


def test_terms_stand_in_alphabetical_order():
    """Whatever file they are in."""
    titles = [term.title.lower() for term in terms()]
    assert titles == sorted(titles)


@pytest.mark.parametrize("name", sorted({name for term in terms() for name in term.pytorch}))
def test_every_pytorch_name_exists(name):
    """As it is written there, it can be imported."""
    parts = name.split(".")
    found = importlib.import_module(parts[0])
    for index, part in enumerate(parts[1:], 2):
        if not hasattr(found, part):
            importlib.import_module(".".join(parts[:index]))
        found = getattr(found, part)


def test_every_lecture_is_one_and_every_paper_has_a_year():
    """So that either can be found."""
    for term in terms():
        for where in term.lecture:
            known = where in LECTURES or PAPER.fullmatch(where)
            assert known, f"{term.title}: {where}"


def test_every_term_leads_to_others_and_none_to_itself():
    """No entry is a dead end."""
    titles = {term.title for term in terms()}
    for term in terms():
        assert term.see, term.title
        assert set(term.see) <= titles
        assert term.title not in term.see


def test_every_entry_is_led_to():
    """None can be found by the search only."""
    led_to = {title for term in terms() for title in term.see}
    assert {term.title for term in terms()} <= led_to


@pytest.mark.parametrize("word", [word.strip() for word in LEARNERS.replace("\n", " ").split(",")])
def test_what_learners_look_for_is_there(word):
    """The words of the field, by any usual name."""
    assert find(word) is not None


@pytest.mark.parametrize("cause", CAUSES)
def test_every_cause_of_the_doctor_is_there(cause):
    """By its id, which scripts know too."""
    assert find(cause) is not None


@pytest.mark.parametrize("name", registry.all_names())
def test_every_setting_of_a_recipe_is_there(name):
    """By its label on the page."""
    settings = next(iter(registry.get(name).recipes.values())).settings()
    missing = [about.label for about in settings.values() if find(about.label) is None]
    assert not missing


def test_a_word_is_found_in_any_case_as_a_plural_and_with_or_without_hyphens():
    """And an unknown one is not."""
    assert find("Learning Rate") is find("lr") is find("learning-rates")
    assert find("batch_norm") is find("BatchNorm") is find("Batch normalisation")
    assert find("losses").title == find("loss").title == "Loss"
    assert find("warmup").title == "Warm-up"
    assert find("no such word") is None
    assert find("") is None


def test_search_puts_titles_before_synonyms_before_meanings():
    """An empty query finds all."""
    titles = [term.title for term in search("gradient")]
    assert titles[0] == "Gradient"
    assert titles.index("Gradient clipping") < titles.index("Vanishing gradients")
    assert titles.index("Vanishing gradients") < titles.index("Detached")
    assert search("nucleus")[0].title == "Top-p"
    assert search("lr")[0].title == "Learning rate"
    assert [term.title for term in search("hesitates")] == ["Perplexity"]
    assert search("   ") == list(terms())
    assert search("xyzzy") == []


def test_terms_in_a_sentence_are_whole_words_and_the_longest():
    """A part of a word is no term."""
    text = "Training/inference mismatch: the cross entropy of logits, not of lossless GRUs."
    found = [(text[start:end], term.title) for start, end, term in terms_in(text)]
    assert found == [
        ("Training/inference mismatch", "Training/inference mismatch"),
        ("cross entropy", "Cross-entropy"),
        ("logits", "Logits"),
        ("GRUs", "GRU"),
    ]


def test_a_longer_term_hides_those_inside_it():
    """Neither the update nor the weight is found in it."""
    found = [term.title for _, _, term in terms_in("the update-to-weight ratio of a layer")]
    assert found == ["Update-to-weight ratio", "Layer"]


def test_a_file_is_read_whole(folder):
    """Every line of the format, and the file that describes it is left out."""
    where = folder(
        "# Theme\n\n## Loss\n\nHow wrong.\nIn one number.\n\n- Also: cost, badness\n"
        "- Formula: `−log p`\n- Lecture: micrograd; He et al. 2015\n"
        "- PyTorch: `torch.exp`, `torch.log`\n- See: Gain\n\n## Gain\n\nA factor.\n"
    )
    (where / "README.md").write_text("Not a file of terms.", encoding="utf-8")
    gain, loss = load(where)
    assert gain == Term("Gain", (), "A factor.")
    assert loss == Term(
        "Loss",
        ("cost", "badness"),
        "How wrong. In one number.",
        "−log p",
        ("micrograd", "He et al. 2015"),
        ("torch.exp", "torch.log"),
        ("Gain",),
    )


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "theme.md, line 1: the file begins"),
        ("## Loss\n\nHow wrong.\n", "theme.md, line 1: the file begins"),
        ("# Theme\n\nA word.\n\n## Loss\n\nHow wrong.\n", "theme.md, line 3"),
        ("# Theme\n\n## Loss\n\n- Also: cost\n", "theme.md, line 3: a term has"),
        ("# Theme\n\n## Loss\n\nHow wrong.\n\n- Alias: cost\n", "theme.md, line 7"),
        ("# Theme\n\n## Loss\n\nHow wrong.\n\n- See: Cost\n", "theme.md, line 3: 'See' names"),
        ("# Theme\n\n## Loss\n\nHow.\n\n- Also: a\n- Also: b\n", "theme.md, line 8"),
        ("# Theme\n\n## Loss\n\nHow.\n\n- Lecture: micrograd\n- Also: b\n", "theme.md, line 8"),
        ("# Theme\n\n## Loss\n\nHow.\n\n- PyTorch: torch.exp\n", "theme.md, line 7: PyTorch is"),
        ("# Theme\n\n## Loss\n\nHow.\n\n- Also: b\n\nMore.\n", "theme.md, line 9: the meaning"),
        ("# Theme\n\n## Loss\n\nA.\n\n## loss\n\nB.\n", "theme.md, line 7: 'loss' already"),
        ("# Theme\n\n## Loss\n\nA.\n\n## Cost\n\nB.\n\n- Also: loss\n", "theme.md, line 7"),
    ],
)
def test_a_malformed_file_is_refused_with_its_line(folder, text, said):
    """The sentence names the file, the line, and what is expected."""
    with pytest.raises(UserError, match=re.escape(said)):
        load(folder(text))


def test_the_shipped_files_are_read_once():
    """All of them, and the description."""
    assert terms() is terms()
    assert {file.name for file in glossary.FOLDER.glob("*.md")} > {"README.md"}

"""What people do in the scripts of ``bench.loops``: what is wrong, and what is not, by script."""

from bench.loops.planted import (
    autoencoder,
    bigram_onehot,
    char_gru,
    char_rnn,
    digits_cnn,
    digits_mlp,
    ezmnist,
    makemore_mlp,
    mlp_batchnorm,
    moons,
    nanogpt,
    own_layers,
    regression,
    two_optimisers,
)

SCRIPTS = {
    "makemore_mlp": makemore_mlp,
    "bigram_onehot": bigram_onehot,
    "mlp_batchnorm": mlp_batchnorm,
    "own_layers": own_layers,
    "digits_mlp": digits_mlp,
    "digits_cnn": digits_cnn,
    "ezmnist": ezmnist,
    "nanogpt": nanogpt,
    "char_gru": char_gru,
    "char_rnn": char_rnn,
    "two_optimisers": two_optimisers,
    "autoencoder": autoencoder,
    "moons": moons,
    "regression": regression,
}
FAULTS = {name: script.FAULTS for name, script in SCRIPTS.items()}
HEALTHY = {name: script.HEALTHY for name, script in SCRIPTS.items()}

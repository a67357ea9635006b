"""What goes wrong in autoencoder.py, and what does not."""

from bench.loops.planted.words import LEFT_OUT, LOW, SEEDS, SIZE, STILL, fault, healthy

AE_OPT = "optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)"
AE_STEP = "            optimizer.step()\n"
AE_LOSS = "loss = mse(reconstruction, x)"

FAULTS = (
    fault(
        "inputs_not_normalised",
        "not divided by 255",
        ("torch.from_numpy(pixels).float() / 255", "torch.from_numpy(pixels).float()"),
    ),
    fault("lr_too_high", "rate 1", ("lr=1e-3", "lr=1.0")),
    fault("lr_too_low", "rate 1e-7", ("lr=1e-3", "lr=1e-7")),
    fault(
        "lr_growing",
        "the rate grows with every batch",
        (AE_STEP, AE_STEP + '            optimizer.param_groups[0]["lr"] *= 1.01\n'),
    ),
    fault(
        "plateau",
        "the rate falls with every batch",
        (AE_STEP, AE_STEP + '            optimizer.param_groups[0]["lr"] *= 0.9\n'),
        also=LOW,
    ),
    fault("wrong_update_sign", "maximize", (AE_OPT, AE_OPT[:-1] + ", maximize=True)")),
    fault(
        "gradients_not_zeroed", "zero_grad forgotten", ("            optimizer.zero_grad()\n", "")
    ),
    fault(
        "no_nonlinearity",
        "no ReLUs",
        ("            nn.ReLU(),\n", ""),
        ("            nn.ReLU(True),\n", ""),
    ),
    fault(
        "parameter_not_trained",
        "the optimiser knows the decoder only",
        (AE_OPT, "optimizer = torch.optim.Adam(model.decoder.parameters(), lr=1e-3)"),
        also=STILL,
    ),
    fault(
        "parameter_not_trained",
        "the code is detached",
        ("self.decoder(self.encoder(x))", "self.decoder(self.encoder(x).detach())"),
        also=STILL,
    ),
    fault(
        "frozen_layer",
        "the first layer frozen",
        (AE_OPT, "model.encoder[0].requires_grad_(False)\n" + AE_OPT),
        also=LEFT_OUT,
    ),
    fault(
        "labels_shuffled",
        "the targets are other images",
        (AE_LOSS, "loss = mse(reconstruction, train[torch.randint(0, len(train), (len(x),))])"),
    ),
    fault(
        "data_overlap",
        "tested on training images",
        ("pixels[:4500], pixels[4500:]", "pixels[:4500], pixels[4000:4500]"),
    ),
    fault(
        "overfitting",
        "40 images",
        ("pixels[:4500], pixels[4500:]", "pixels[:40], pixels[4500:]"),
        ("range(10):", "range(700):"),
    ),
    fault(
        "symmetric_init",
        "all weights 0.01",
        (AE_OPT, "for p in model.parameters():\n    nn.init.constant_(p, 0.01)\n" + AE_OPT),
    ),
    fault(
        "bad_init_scale",
        "weights of size 1",
        (AE_OPT, "for p in model.parameters():\n    nn.init.normal_(p)\n" + AE_OPT),
        also="saturated_units",
    ),  # the sigmoids saturate
    fault(
        "wrong_loss",
        "cross entropy over the pixels",
        ("mse = nn.MSELoss()", "mse = nn.CrossEntropyLoss()"),
    ),
    fault("regulariser_dominates", "weight decay 1", (AE_OPT, AE_OPT[:-1] + ", weight_decay=1.0)")),
    fault(
        "train_eval_mismatch",
        "test images not divided by 255",
        ("pixels[:4500], pixels[4500:]", "pixels[:4500], pixels[4500:] * 255"),
    ),
    fault(
        "nan",
        "divided by the deviation of each pixel",
        (
            "pixels = pixels[torch.randperm(5000)]",
            "pixels = (pixels - pixels.mean(0)) / pixels.std(0)\n"
            "pixels = pixels[torch.randperm(5000)]",
        ),
        also="inputs_not_normalised",  # the NaN is in the inputs, which the issue lists there
    ),
    fault(
        "dead_units",
        "biases of -5",
        (
            AE_OPT,
            "nn.init.constant_(model.encoder[0].bias, -5)\n"
            "nn.init.constant_(model.decoder[0].bias, -5)\n" + AE_OPT,
        ),
        also=SIZE,
    ),
    fault(
        "detached_regulariser",
        "absolute code, detached",
        (AE_LOSS, AE_LOSS + " + 0.1 * model.encoder(x).detach().abs().mean()"),
    ),
)

HEALTHY = (
    *SEEDS,
    healthy("rate x 2", ("lr=1e-3", "lr=2e-3")),
    healthy("rate / 2", ("lr=1e-3", "lr=5e-4")),
    healthy("code of 32", ("code=16", "code=32")),
    healthy("code of 4", ("code=16", "code=4")),
    healthy("no sigmoid at the end", ("            nn.Sigmoid(),\n", "")),
    healthy("binary cross entropy on the pixels", ("mse = nn.MSELoss()", "mse = nn.BCELoss()")),
    healthy("absolute error", ("mse = nn.MSELoss()", "mse = nn.L1Loss()")),
    healthy(
        "noise on the inputs",
        ("reconstruction = model(x)", "reconstruction = model(x + 0.2 * torch.randn_like(x))"),
    ),
    healthy("three epochs", ("range(10):", "range(3):")),
    healthy(
        "light weight decay",
        (AE_OPT, "optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.01)"),
    ),
)

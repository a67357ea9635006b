"""Words that Glassbox has given up for the field's standard terms, with what stands instead.

A learner must be able to type any term of the window into a search engine. Each entry of ``SHOWN``
is a regular expression, matched without regard to case in whatever a person reads; ``NAMES`` are
identifiers, matched whole.
"""

SHOWN = {
    r"what shall it learn from|how shall it learn": "Dataset, Training settings",
    r"how (wrong|low) is it\?|how wrong per character": "Loss, Loss per character",
    r"how often is it right\?": "Accuracy",
    r"and new names\?|how far up the ladder": "Training and validation loss",
    r"what does (it|each layer) (see|read)\?": "Layers, Prediction",
    r"% sure\b": "probability",
    r"what it read\b|\bit was an? \d": "predicted, true",
    r"which digits does it confuse": "Confusion matrix",
    r"where was it wrong": "Misclassified digits",
    r"how does it go on\?": "Complete a name, Generate text",
    r"surprised": "surprisal",
    r"which letter follows which": "Bigram counts",
    r"think(s)? alike|of the spread\b": "PCA, explained variance",
    r"how far does each model get": "Model comparison",
    r"which learning rate is right|\bsweep": "Learning-rate range test",
    r"who looks at whom|whom does|\bwhom\b|looks at whom": "Attention weights",
    r"what would each layer say|each layer would say": "Logit lens",
    r"what is near this token": "Nearest tokens",
    r"how did the tokens come|came to be": "BPE merges",
    r"what did it write on the way": "Samples during training",
    r"what does each unit look for|make of yours|units? looks? for": "Top-activating examples",
    r"what the network meets": "Augmented training examples",
    r"shall it examine": "Network to diagnose",
    r"\bchapters? (is|are) told\b": "chapters",
    r"\beven guess|guess(es)? evenly": "uniform guess",
    r"tokens alone\b": "unigram baseline",
    r"by heart": "overfitting, overfit one batch",
    r"not trained enough(?!\W*\(undertrained)": "undertrained",
    r"flat ends?\b": "saturated",
    r"\bmend(s|ed|ing)?\b": "fix",
    r"not to be seen|found in order|not as it should be": "passed, failed, not checked",
    r"(be|curve,) drawn on\b": "extrapolated",
    r"exchanged\b": "shuffled",
    r"no number any more|is no number|no numbers": "NaN",
    r"come apart|blown up|\bbursts?\b|\bleaps?\b|\bleapt\b": "diverged, jumps",
    r"first weights have the wrong size": "Bad initialisation scale",
    r"\bbends?\b": "nonlinearity",
    r"gradients of earlier steps are added": "Gradients not zeroed",
    r"shown what it is to guess": "target leakage",
    r"judged on what it has learned": "validation data overlaps the training data",
    r"never an answer": "unused output classes",
    r"nearly all examples have one answer": "class imbalance",
    r"goes? up the gradient": "gradient ascent",
    r"too little of what came before": "context too short",
    r"examples of a batch are mixed": "leakage across the batch dimension",
    r"used in another way": "training/inference mismatch",
    r"was not told of": "missing from the optimiser",
    r"the deeper the ground|\bthe darker\b|darker background|\bpaler\b": "the stronger the colour"
    " (a dark theme shows more of something brighter)",
    r"point at (a|the) (word|token)": "hover over",
    r"nothing beside it": "Compare with: none",
    r"update to (data|weight)|update / weight": "update-to-weight ratio",
    r"gradient to weight|gradient / weight": "gradient-to-weight ratio",
    r"\bat rest\b|\bno step\b": "no update",
    r"what each takes along|\bkeys, turned": "K transposed, output",
    r"drawn anew|descended on": "resampled, loss",
    r"nudged?\b": "finite-difference check",
    r"\bdeaf\b|\bdear\b": "receives no gradient, expensive",
    r"\bit is back\.|broken off|go(es)? on with": "Restored, interrupted, Resume",
    r"\bstrangers?'?\b": "other people's programs",
    r"layer walls?\b": "layer table",
    r"\bsaboteur|sabotage": "fault",
    r"\bcurtain\b|\btwins?\b": "reveal, pair",
    r"\bsureness\b": "confidence",
    r"on purpose": "injected fault",
    r"plant(ed)? a (mistake|fault)": "inject a fault",
}

NAMES = set(
    """
    Attendant attendant Scribe scribe autopsy Lifeline lifeline Team sabotage Sabotage breaking
    judgement judging GLANCE glance usual sight Sight survey manner patient consult bend bends bent
    telling Telling casebook Casebook moments going_on wished climb Climb guessing Guessing
    run_doors RunDoors Room Teller twins Twin twin journey Side curtain Curtain sureness Sureness
    LayerWall layer_wall mend mended Mend MENDS Attending attending Watching Again Insight Patient
    Consultation consultation
    """.split()
)

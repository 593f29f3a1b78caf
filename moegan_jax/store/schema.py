"""The file names of a run folder. No other module spells them."""

CONFIG = 'config.json'  # all settings, and checksums of the corpus
CORPUS = 'corpus.json'  # vocabulary and record of the corpus
ENVIRONMENT = 'environment.json'  # versions, devices, commands
METRICS = 'metrics.jsonl'  # records: train, eval, event
RESULTS_TABLE = 'results.md'
RESULTS = 'results.json'  # rows of the table, stages, protocol
CURVES = 'curves.json'  # measures over temperatures
TEXTS = 'texts.json'  # samples beside their nearest training sentences
FEATURES = 'features.npz'  # of the discriminator
REPORT = 'report.html'
LOCK = 'lock'
CHECKPOINTS = 'checkpoints'  # folders KIND-STEP
ROWS = 'rows'  # NAME-STEP.json
SAMPLES = 'samples'  # PHASE-STEP.txt, one sentence per line
FIGURES = 'figures'
TENSORBOARD = 'tensorboard'

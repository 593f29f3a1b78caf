"""Settings of runs that take seconds. They differ in what they train."""

# Networks and batches.
LIKELIHOOD = {
  'generator.hidden': 4,
  'generator.embed': 4,
  'mle.epochs': 1,
  'mle.batch': 16,
}
GAME = LIKELIHOOD | {
  'generator.cell': 'lstm',
  'discriminator.embed': 4,
  'discriminator.filters': 4,
  'discriminator.features': 4,
  'discriminator.widths': (2,),
  'adversarial.batch': 8,
}
# Corpora.
ORACLE = {'data.vocab_size': 30, 'data.length': 4, 'data.oracle_dim': 4}
HUNDRED = {'data.train_size': 100, 'data.test_size': 60}
# Evaluation at the ends of phases, with curves over two temperatures.
CURVES = {
  'mle.eval_every': 0,
  'eval.samples': 30,
  'eval.final_samples': 40,
  'eval.chunk': 32,
  'eval.curve_samples': 20,
  'eval.temperatures': (0.8, 1.0),
}
# Every iteration is a chunk, and every chunk is saved.
STEPWISE = {'chunk_seconds': 0.001, 'checkpoint.every': 0.0}
# A run of 10 iterations of likelihood without curves.
TEN_STEPS = {
  **ORACLE,
  **LIKELIHOOD,
  **STEPWISE,
  'data.vocab_size': 20,
  'data.train_size': 80,
  'data.test_size': 40,
  'mle.epochs': 2,
  'mle.eval_every': 0,
  'eval.samples': 20,
  'eval.final_samples': 30,
  'eval.chunk': 30,
  'eval.curve_samples': 0,
}

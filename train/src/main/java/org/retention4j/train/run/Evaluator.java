package org.retention4j.train.run;

import org.retention4j.generate.GenerationOptions;
import org.retention4j.generate.Generator;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.Session;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.Tokenizer;
import org.retention4j.train.Batch;
import org.retention4j.train.data.HeldOutWindows;
import org.retention4j.train.data.TokenText;
import org.retention4j.train.data.TrainingText;

/** Looks at a learner without changing it: on held-out text, and by what it writes. */
final class Evaluator {
  private static final int PROMPT = 32;
  private static final double TEMPERATURE = 0.8;

  private final HeldOutWindows windows;
  private final TokenText heldOut;
  private final TokenText learnt;

  Evaluator(TrainingText text, BatchShape shape, long mostTokens) {
    heldOut = text.heldOut();
    learnt = text.learnt();
    windows = new HeldOutWindows(heldOut, shape.rows(), shape.length(), mostTokens);
  }

  /** Returns whether there is anything to measure with. */
  boolean measures() {
    return windows.batches() > 0;
  }

  /** Returns a loss in nats a token as bits for each byte of the text that is learnt. */
  double learntBits(double loss) {
    return loss / Math.log(2) / learnt.bytesPerToken();
  }

  /** Returns a loss in nats a token as bits for each byte of the held-out text. */
  double heldOutBits(double loss) {
    return loss / Math.log(2) / heldOut.bytesPerToken();
  }

  /** Returns the mean loss of the held-out tokens in nats. */
  double loss(Learner learner) {
    double sum = 0;
    long count = 0;
    for (int i = 0; i < windows.batches(); i++) {
      Batch batch = windows.batch(i);
      int labelled = batch.labelled();
      if (labelled > 0) {
        sum += learner.evaluate(batch) * labelled;
        count += labelled;
      }
    }
    return sum / count;
  }

  /**
   * Returns the text that a sample begins with: the begin of the held-out text, or of the other.
   */
  int[] prompt() {
    TokenText from = measures() ? heldOut : learnt;
    return from.tokens(0, Math.min(PROMPT, from.count()));
  }

  /** Returns how a model goes on with a prompt. */
  static String sample(
      LanguageModel model, Tokenizer tokenizer, int[] prompt, int count, long seed) {
    SamplingOptions sampling = SamplingOptions.DEFAULT.withTemperature(TEMPERATURE).withSeed(seed);
    GenerationOptions options =
        GenerationOptions.DEFAULT.withMaxTokens(count).withSampling(sampling);
    try (Session session = model.newSession()) {
      return new Generator(tokenizer).generate(session, prompt, options, piece -> {}).text();
    }
  }
}

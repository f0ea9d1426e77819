package org.retention4j.train.run;

import java.util.Optional;
import org.retention4j.text.Tokenizer;
import org.retention4j.train.BatchSource;
import org.retention4j.train.data.Documents;
import org.retention4j.train.data.PackedDocuments;
import org.retention4j.train.data.TokenStreams;
import org.retention4j.train.data.TrainingText;
import org.retention4j.train.evaluate.NGramLadder;

/** The text of a run, by its options. */
final class RunText {
  /** N-grams of longer texts take minutes to count. */
  private static final int MOST_COUNTED = 1 << 25;

  /** The highest order of n-grams. */
  private static final int ORDER = 6;

  private RunText() {}

  static TrainingText read(RunOptions options, Tokenizer tokenizer) {
    RunFiles files = options.files();
    Documents documents = options.batch().packed().orElse(Documents.FILES);
    return files
        .validation()
        .map(other -> TrainingText.read(files.data(), other, documents, tokenizer))
        .orElseGet(
            () -> TrainingText.read(files.data(), files.heldOutShare(), documents, tokenizer));
  }

  static BatchSource source(TrainingText text, RunOptions options) {
    try {
      return batches(text, options);
    } catch (IllegalArgumentException e) {
      String what = e.getMessage() + ", in " + options.files().data();
      throw new IllegalArgumentException(
          text.heldOut().count() > 0 ? what + " without what is held out" : what, e);
    }
  }

  private static BatchSource batches(TrainingText text, RunOptions options) {
    BatchShape batch = options.batch();
    if (batch.packed().isPresent()) {
      return new PackedDocuments(text.learnt(), batch.rows(), batch.length(), options.seed());
    }
    return new TokenStreams(
        text.learnt(),
        batch.rows(),
        batch.length(),
        options.trainer().microBatches(),
        batch.freshShare(),
        options.seed());
  }

  /** Counts n-grams of a text whose tokens are bytes: they say what its held-out part is worth. */
  static Optional<NGramLadder> ladder(TrainingText text) {
    boolean counted = text.heldOut().count() > 0 && text.learnt().count() <= MOST_COUNTED;
    return counted
        ? Optional.of(NGramLadder.measure(text.learnt().toBytes(), text.heldOut().toBytes(), ORDER))
        : Optional.empty();
  }
}

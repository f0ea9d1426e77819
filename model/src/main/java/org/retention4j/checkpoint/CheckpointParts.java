package org.retention4j.checkpoint;

import java.util.function.Function;
import org.retention4j.checkpoint.internal.family.Family;
import org.retention4j.checkpoint.internal.files.CheckpointFiles;
import org.retention4j.core.reference.ReferenceMath;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.model.stack.LmHead;

/**
 * A checkpoint that is read part by part, so that no more than a layer need be in memory.
 *
 * @since 0.1
 */
public final class CheckpointParts implements AutoCloseable {
  private final DecoderConfig config;
  private final Family family;
  private final CheckpointFiles files;

  CheckpointParts(DecoderConfig config, Family family, CheckpointFiles files) {
    this.config = config;
    this.family = family;
    this.files = files;
  }

  /**
   * Returns the embeddings of tokens as the first layer sees them, (T,D), in plain float64.
   *
   * @param engine any
   */
  public double[][] embed(int[] tokens, Engine engine) {
    int d = config.modelWidth();
    MatrixSource table = files.matrix(family.embeddingName(files), config.vocabulary(), d);
    double[][] rows = new double[tokens.length][d];
    for (int t = 0; t < tokens.length; t++) {
      table.read(tokens[t], rows[t]);
      for (int i = 0; i < d; i++) {
        rows[t][i] *= config.embeddingScale();
      }
    }
    return read(engine, reader -> family.embeddingNorm(config, reader))
        .map(norm -> ReferenceMath.rmsNorm(rows, norm, config.normEps()))
        .orElse(rows);
  }

  /** Loads one layer; the caller closes it. */
  public DecoderLayer layer(int index, Engine engine) {
    return read(engine, reader -> family.layer(config, index, reader));
  }

  /** Loads the final norm and the output matrix; the caller closes them. */
  public LmHead head(Engine engine) {
    return read(engine, reader -> family.head(config, reader));
  }

  private <T> T read(Engine engine, Function<WeightReader, T> loading) {
    return read(engine, files, LoadOptions.DEFAULT, loading);
  }

  /** Returns what is read; where that fails, all that was packed is freed. */
  static <T> T read(
      Engine engine,
      CheckpointFiles files,
      LoadOptions options,
      Function<WeightReader, T> loading) {
    WeightReader reader = new WeightReader(engine, files, options);
    try {
      return loading.apply(reader);
    } catch (Throwable e) {
      reader.free();
      throw e;
    }
  }

  /** Closes the files. */
  @Override
  public void close() {
    files.close();
  }
}

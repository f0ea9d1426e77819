package org.retention4j.train.stack;

import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.RowView;
import org.retention4j.engine.ops.Tile;
import org.retention4j.model.DecoderConfig;
import org.retention4j.nn.NormConfig;
import org.retention4j.train.pass.NormPass;
import org.retention4j.train.pass.Parameter;
import org.retention4j.train.pass.Parameters;
import org.retention4j.train.pass.PassContext;
import org.retention4j.train.pass.RowBlocks;

/** The beginning of a decoder: rows of the table times a scale, a norm or none; and back. */
final class EmbeddingPass {
  /** Rows of the table are shared out by their number modulo this. */
  private static final int PARTS = 16;

  private final Lanes lanes;
  private final double scale;
  private final int batch;
  private final int tokens;
  private final RowView table;
  private final RowView tableGradient;
  private final NormPass norm;
  private final RowView embedded;
  private final RowView out;
  private final RowView gradient;
  private final Tile[] gradientRows;
  private final RowBlocks look;
  private final RowBlocks backThroughNorm;
  private final Lanes.Task scatter = this::scatter;
  private int[][] ids;

  /**
   * Binds.
   *
   * @param out (B·T,D)
   * @param d (B·T,D) gradient of out, changed on the way back
   */
  EmbeddingPass(
      PassContext context, DecoderConfig config, Parameters parameters, Tile out, Tile d) {
    lanes = context.engine();
    scale = config.embeddingScale();
    batch = context.batch();
    tokens = context.tokens();
    int rows = context.rows();
    int width = config.modelWidth();
    Parameter embedding = parameters.get(ModelNames.EMBEDDING);
    table = embedding.value().asRows(config.vocabulary(), width);
    tableGradient = embedding.gradient().asRows(config.vocabulary(), width);
    norm =
        config.embeddingNorm()
            ? new NormPass(
                NormConfig.RMS, parameters, "", ModelNames.EMBEDDING_NORM, config.normEps())
            : null;
    this.out = out.asRows(rows, width);
    embedded = norm == null ? this.out : context.owner().tile(rows, width).asRows(rows, width);
    gradient = d.asRows(rows, width);
    gradientRows = new Tile[rows];
    java.util.Arrays.setAll(gradientRows, i -> d.part(i, 1, 0, width));
    look = new RowBlocks(lanes, rows, this::look);
    backThroughNorm =
        RowBlocks.ofBlocks(
            lanes,
            rows,
            norm == null ? 0 : norm.sums(),
            (lane, from, count, sums) ->
                norm.backward(lane, embedded, gradient, gradient, false, sums, from, count));
  }

  /** Embeds (B,T) ids. */
  void forward(int[][] newIds) {
    ids = newIds;
    if (norm != null) {
      norm.begin();
    }
    look.run();
  }

  private void look(Lane lane, int row, double[] sums) {
    lane.rows().copy(table, 0, ids[row / tokens][row % tokens], 0, embedded, 0, row, 0);
    if (scale != 1) {
      lane.rows().scale(embedded, 0, row, 0, scale);
    }
    if (norm != null) {
      norm.forward(lane, embedded, out, row, 1);
    }
  }

  void backward() {
    if (norm != null) {
      backThroughNorm.run();
      norm.end(backThroughNorm);
    }
    lanes.run(PARTS, scatter);
  }

  /** Adds to the rows of one part of the table, token after token. */
  private void scatter(Lane lane, int part) {
    for (int b = 0; b < batch; b++) {
      for (int t = 0; t < tokens; t++) {
        int id = ids[b][t];
        if (id % PARTS == part) {
          lane.tiles().addTo(gradientRows[b * tokens + t], 1, scale, tableGradient, 0, id, 0);
        }
      }
    }
  }
}

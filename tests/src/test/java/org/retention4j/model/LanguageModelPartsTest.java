package org.retention4j.model;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;
import static org.assertj.core.api.Assertions.assertThatIllegalStateException;

import java.util.Arrays;
import java.util.List;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.model.stack.DecoderLayer;

/** What a model is made of: parts that must fit its configuration, and what they weigh. */
class LanguageModelPartsTest {
  private static final int VOCABULARY = 61;
  private static final int D = 32;
  private static final int HIDDEN = 40;

  private static final LayerConfig RETENTION =
      new LayerConfig(RetentionMixerConfig.fla(D, 2), HIDDEN, Activation.SILU);
  private static final LayerConfig ATTENTION =
      new LayerConfig(AttentionConfig.multiHead(D, 2), HIDDEN, Activation.SILU);

  private Engine engine;
  private LanguageModel model;

  @BeforeEach
  void make() {
    engine = Engine.create(ElementType.FLOAT64, 1, ComputeRoute.PLAIN);
    model = random(config(RETENTION, ATTENTION));
  }

  @AfterEach
  void close() {
    model.close();
    engine.close();
  }

  private static DecoderConfig config(LayerConfig... layers) {
    return DecoderConfig.of(VOCABULARY, D, List.of(layers));
  }

  private static DecoderConfig config(boolean embeddingNorm, boolean tied) {
    return new DecoderConfig(VOCABULARY, D, List.of(RETENTION), 1e-6, 1, embeddingNorm, tied);
  }

  private LanguageModel random(DecoderConfig config) {
    return LanguageModel.random(engine, config, WeightType.FLOAT64, 1);
  }

  private static double[] ones(int length) {
    double[] ones = new double[length];
    Arrays.fill(ones, 1);
    return ones;
  }

  /** The model's own parts under another configuration. */
  private void refuses(
      DecoderConfig config, double[] norm, List<DecoderLayer> layers, String... said) {
    assertThatIllegalArgumentException()
        .isThrownBy(
            () ->
                new LanguageModel(
                    engine,
                    config,
                    model.embedding(),
                    Optional.ofNullable(norm),
                    layers,
                    model.head()))
        .withMessageContainingAll(said);
  }

  @Test
  void refusesAnEmbeddingOfAnotherShape() {
    refuses(
        DecoderConfig.of(VOCABULARY + 1, D, List.of(RETENTION, ATTENTION)),
        null,
        model.layers(),
        "embedding",
        "[62, 32]",
        "[61, 32]");
  }

  @Test
  void refusesAnOutputMatrixOfAnotherShape() {
    DecoderConfig larger = DecoderConfig.of(VOCABULARY + 1, D, List.of(RETENTION, ATTENTION));
    try (LanguageModel other = random(larger)) {
      assertThatIllegalArgumentException()
          .isThrownBy(
              () ->
                  new LanguageModel(
                      engine,
                      larger,
                      other.embedding(),
                      Optional.empty(),
                      model.layers(),
                      model.head()))
          .withMessageContainingAll("output", "[62, 32]", "[61, 32]");
    }
  }

  @Test
  void refusesEmbeddingNormsThatAreMissingOrTooMany() {
    List<DecoderLayer> layers = model.layers().subList(0, 1);
    refuses(config(false, false), ones(D), layers, "no embedding norm", "got 32");
    refuses(config(true, false), null, layers, "32 embedding norm", "none");
    refuses(config(true, false), ones(D - 1), layers, "32 embedding norm", "31");
  }

  @Test
  void refusesOtherLayersThanTheConfigurationHas() {
    refuses(config(RETENTION), null, model.layers(), "1 layers", "got 2");
    refuses(
        config(RETENTION, RETENTION), null, model.layers(), "layer 1", "retention", "attention");
  }

  @Test
  void givesOutWhatItWasMadeOf() {
    LanguageModel same =
        new LanguageModel(
            engine,
            model.config(),
            model.embedding(),
            Optional.empty(),
            model.layers(),
            model.head());
    assertThat(same.engine()).isSameAs(engine);
    assertThat(same.config()).isEqualTo(config(RETENTION, ATTENTION));
    assertThat(same.layers()).containsExactlyElementsOf(model.layers());
    assertThat(same.embedding()).isSameAs(model.embedding());
    assertThat(same.head()).isSameAs(model.head());
    try (Session session = same.newSession()) {
      assertThat(session.model()).isSameAs(same);
      assertThat(session.batch()).isEqualTo(1);
    }
  }

  /** All matrices but the embedding table are read at every step, in float64 here. */
  @Test
  void weighsWhatItsMatricesDo() {
    long retention = 8L * D * D + 3L * D * HIDDEN; // q, k, v (2D), g (2D), o (2D)
    long attention = 4L * D * D + 3L * D * HIDDEN;
    long streamed = Double.BYTES * (retention + attention + (long) VOCABULARY * D);
    assertThat(model.streamedBytes()).isEqualTo(streamed);
    assertThat(model.embedding().bytes()).isGreaterThanOrEqualTo((long) Double.BYTES * 61 * D);
    assertThat(model.weightBytes()).isEqualTo(streamed + model.embedding().bytes());
  }

  /** Rows of the table are the output matrix's where they are tied, and only there. */
  @Test
  void drawsTiedWeightsOnce() {
    for (boolean tied : new boolean[] {true, false}) {
      try (LanguageModel made = random(config(false, tied))) {
        double[] table = new double[D];
        double[] output = new double[D];
        made.embedding().read(7, table);
        made.head().output().unpack().read(7, output);
        assertThat(Arrays.equals(table, output)).isEqualTo(tied);
        assertThat(made.head().norm()).containsExactly(ones(D));
      }
    }
  }

  /** With weights of 1 an embedding's norm makes no difference to what layers' norms see first. */
  @Test
  void drawsAnEmbeddingNormWhereItIsAskedFor() {
    try (LanguageModel with = random(config(true, false));
        LanguageModel without = random(config(false, false))) {
      assertThat(logits(with)).isNotEqualTo(logits(without));
    }
  }

  private static double[] logits(LanguageModel of) {
    try (Session session = of.newSession()) {
      session.append(1, 2, 3);
      double[] logits = new double[VOCABULARY];
      session.logits(0, logits);
      return logits;
    }
  }

  @Test
  void endsItsPartsWithItself() {
    model.close();
    assertThatIllegalStateException().isThrownBy(() -> model.embedding().read(0, new double[D]));
    assertThatIllegalStateException().isThrownBy(model::requireOpen);
    assertThat(model.head().output().closed()).isTrue();
    assertThat(model.layers()).allMatch(layer -> layer.feedForward().down().closed());
  }
}

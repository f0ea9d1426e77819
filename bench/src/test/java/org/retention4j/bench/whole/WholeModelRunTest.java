package org.retention4j.bench.whole;

import static org.assertj.core.api.Assertions.assertThat;

import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import java.io.ByteArrayOutputStream;
import java.io.IOException;
import java.io.PrintStream;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Map;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.mixer.attention.AttentionConfig;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;

/** A whole run on a model that is too small to say anything, and what its figures count. */
class WholeModelRunTest {
  private static final WholeEffort TINY = new WholeEffort(2, 2, 40, 1 << 22, 0, 300, 300);

  @TempDir private Path folder;

  private static LayerConfig retention() {
    return new LayerConfig(RetentionMixerConfig.fla(32, 2), 40, Activation.SILU);
  }

  private static LayerConfig attention() {
    return new LayerConfig(new AttentionConfig(32, 4, 2, 8, 10_000), 40, Activation.SILU);
  }

  @Test
  void aHybridGivesAReport() throws IOException {
    DecoderConfig config =
        DecoderConfig.of(61, 32, DecoderConfig.everyKth(4, retention(), 2, attention()));
    Path model = folder.resolve("model");
    boolean narrow;
    try (Engine engine = Engine.float32();
        LanguageModel random = LanguageModel.random(engine, config, WeightType.BFLOAT16, 1)) {
      CheckpointWriter.write(random, model, DType.BF16);
      narrow = engine.multipliesBfloat16();
    }
    Path out = folder.resolve("out");
    ByteArrayOutputStream lines = new ByteArrayOutputStream();
    boolean equal =
        WholeModelRun.execute(
            Checkpoint.open(model),
            out,
            TINY,
            2,
            new PrintStream(lines, true, StandardCharsets.UTF_8));
    assertThat(equal).isTrue();
    assertThat(lines.toString(StandardCharsets.UTF_8)).contains("whole-model.html");
    assertThat(out.resolve("whole-model.html")).content().contains("decode B=1", "</html>");
    assertThat(out.resolve("whole-model.md")).content().contains("decode B=8");
    List<String> rows = Files.readAllLines(out.resolve("whole-model.jsonl"));
    // One is of bf16 x bf16 products.
    assertThat(rows).hasSize(narrow ? 11 : 10);
    for (String row : rows) {
      JsonNode figure = new ObjectMapper().readTree(row).get("figure");
      assertThat(figure.get("verdict").get("measured").isNumber()).as(row).isTrue();
      boolean timed = figure.get("timing").get("median").isNumber();
      assertThat(timed)
          .as(row)
          .isEqualTo(!figure.get("verdict").get("what").asText().matches("(load|resid|forms).*"));
    }
  }

  /** By hand: 2·T·weights, and α=1 cores. */
  @Test
  void countsTheWorkOfEachKindOfLayer() {
    assertThat(LayerWork.kinds(DecoderConfig.of(61, 32, List.of(retention(), retention()))))
        .isEqualTo(Map.of(retention(), 2));
    // D 32, H 2, K 16, V 32: W_Q, W_K 32x32; W_V, W_G 32x64; W_O 64x32; feed-forward 3·32·40.
    LayerWork retains = LayerWork.of(retention(), 10);
    assertThat(retains.products()).isEqualTo(2.0 * 10 * (2 * 1024 + 2 * 2048 + 2048 + 3 * 32 * 40));
    // A single chunk of 10: T·D·(C(1+f) + 4·f·K + f·K/C) with f = 2.
    assertThat(retains.core()).isEqualTo(10 * 32 * (10 * 3 + 4 * 2 * 16 + 2 * 16 / 10.0));
    // 4 heads and 2 key/value heads of 8: 32x32 twice, 32x16 twice.
    LayerWork attends = LayerWork.of(attention(), 10);
    assertThat(attends.products()).isEqualTo(2.0 * 10 * (2 * 1024 + 2 * 512 + 3 * 32 * 40));
    assertThat(attends.core()).isEqualTo(2.0 * 10 * 11 * 4 * 8);
  }

  /** The paper's layer, D = H·K = 2048, K 256, f 2; and a Transformer's of as many weights. */
  @Test
  void countsTheCoresOfPrompts() {
    RetentionMixerConfig retains = RetentionMixerConfig.fla(2048, 8);
    // Chunks of 64: 64·3 + 4·2·256 + 2·256/64, in units of D for each token.
    assertThat(retains.coreFlops(640, 64)).isEqualTo(640 * 2048.0 * (192 + 2048 + 8));
    // 10 tokens are one chunk of 10, whatever its size.
    assertThat(retains.coreFlops(10, 64)).isEqualTo(10 * 2048.0 * (10 * 3 + 2048 + 51.2));
    assertThat(AttentionConfig.multiHead(2048, 16).coreFlops(2))
        .isEqualTo(2 * (1 + 2) * 2 * 2048.0);
  }
}

package org.retention4j.args;

import static org.assertj.core.api.Assertions.assertThatIllegalArgumentException;

import java.nio.file.Path;
import java.util.Arrays;
import java.util.Collections;
import java.util.List;
import java.util.Map;
import java.util.stream.Stream;
import org.assertj.core.api.ThrowableAssert.ThrowingCallable;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.params.ParameterizedTest;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.MethodSource;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.checkpoint.Checkpoint;
import org.retention4j.checkpoint.CheckpointWriter;
import org.retention4j.checkpoint.WriteOptions;
import org.retention4j.checkpoint.format.DType;
import org.retention4j.checkpoint.format.NpyFile;
import org.retention4j.checkpoint.format.SafetensorsFile;
import org.retention4j.core.RetentionParameters;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Activation;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.forms.Engines;
import org.retention4j.forms.Npy;
import org.retention4j.generate.GenerationOptions;
import org.retention4j.model.DecoderConfig;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.LayerConfig;
import org.retention4j.model.Session;
import org.retention4j.model.mixer.retention.RetentionMixerConfig;
import org.retention4j.text.ByteTokenizer;
import org.retention4j.text.Sampler;
import org.retention4j.text.SamplingOptions;
import org.retention4j.text.StopStrings;
import org.retention4j.text.StreamingDecoder;
import org.retention4j.text.Tokenizers;
import org.retention4j.verify.FormsProof;

/** What is missing or of no size is named where it is given, not where it is first needed. */
class MissingArgumentsTest {
  private static final Engine ENGINE = Engines.plain();
  private static final Checkpoint CHECKPOINT = Checkpoint.open(Npy.path("/golden/model/fla-f32"));
  private static final Path NOWHERE = Path.of("nowhere");

  static Stream<Arguments> calls() {
    Map<String, ThrowingCallable> calls =
        Map.ofEntries(
            Map.entry("a weight matrix", () -> ENGINE.pack((INDArray) null, WeightType.FLOAT32)),
            Map.entry(
                "a weight matrix ", () -> ENGINE.pack((MatrixSource) null, WeightType.FLOAT32)),
            Map.entry("a type of weights", () -> ENGINE.pack(Nd4j.ones(2, 2), null)),
            Map.entry("a matrix", () -> ENGINE.newTable(null, WeightType.FLOAT32)),
            Map.entry("a matrix ", () -> ENGINE.toArray(null)),
            Map.entry("a type of cache", () -> ENGINE.newCache(null, 2, 2)),
            Map.entry("config", () -> RetentionParameters.random(null, 1)),
            Map.entry("a configuration's file", () -> Checkpoint.readConfig(null)),
            Map.entry("options  ", () -> Checkpoint.open(Path.of("nowhere"), null)),
            Map.entry("a model folder", () -> Tokenizers.forFolder(null, 256)),
            Map.entry("a text", () -> new ByteTokenizer(256).encode(null)),
            Map.entry("tokens", () -> new ByteTokenizer(256).decode(null)),
            Map.entry("sampling options", () -> new Sampler(null, 5)),
            Map.entry("logits", () -> new Sampler(SamplingOptions.DEFAULT, 5).sample(null)),
            Map.entry("stop strings", () -> new StopStrings(null)),
            Map.entry("a stop string", () -> new StopStrings(Arrays.asList("x", null))),
            Map.entry("a tokenizer", () -> new StreamingDecoder(null)),
            Map.entry(
                "a stop token",
                () -> GenerationOptions.DEFAULT.withStopTokens(Collections.singleton(null))),
            Map.entry(
                "a stop string ",
                () -> GenerationOptions.DEFAULT.withStopStrings(Collections.singletonList(null))),
            Map.entry("a .npy file", () -> NpyFile.read(null)),
            Map.entry("a safetensors file", () -> SafetensorsFile.open(null)),
            Map.entry("layers", () -> DecoderConfig.of(5, 4, null)),
            Map.entry("a layer", () -> DecoderConfig.of(5, 4, Collections.singletonList(null))),
            Map.entry("a model", () -> FormsProof.worst(null)),
            Map.entry("a type of weights ", () -> WriteOptions.DEFAULT.withDType(null)),
            Map.entry("a model ", () -> CheckpointWriter.write(null, NOWHERE, DType.F32)),
            Map.entry(
                "a checkpoint",
                () -> CheckpointWriter.convert(null, NOWHERE, WriteOptions.DEFAULT)),
            Map.entry("options", () -> CheckpointWriter.convert(CHECKPOINT, NOWHERE, null)),
            Map.entry(
                "options ",
                () -> CheckpointWriter.writeRandom(CHECKPOINT.config(), NOWHERE, 1, null)));
    return calls.entrySet().stream().map(e -> Arguments.of(e.getKey(), e.getValue()));
  }

  @ParameterizedTest
  @MethodSource("calls")
  void isNamed(String what, ThrowingCallable call) {
    assertThatIllegalArgumentException()
        .isThrownBy(call)
        .withMessage("expected " + what.strip() + ", got null");
  }

  @Test
  void roomForLogitsIsNamed() {
    LayerConfig layer = new LayerConfig(RetentionMixerConfig.fla(8, 1), 8, Activation.SILU);
    DecoderConfig config = DecoderConfig.of(5, 8, List.of(layer));
    try (LanguageModel model = LanguageModel.random(ENGINE, config, WeightType.FLOAT32, 1);
        Session session = model.newSession()) {
      session.step(1);
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.logits(0, (float[]) null))
          .withMessage("expected room for logits, got null");
      assertThatIllegalArgumentException()
          .isThrownBy(() -> session.logits(0, (double[]) null))
          .withMessage("expected room for logits, got null");
    }
  }

  @Test
  void anEngineAsksForSizesAndItsOwnTypes() {
    for (ThrowingCallable call :
        List.<ThrowingCallable>of(
            () -> ENGINE.newState(-1, 2),
            () -> Engine.stateBytes(ElementType.FLOAT32, -1, 2),
            () -> ENGINE.newCache(CacheType.FLOAT32, 0, 2))) {
      assertThatIllegalArgumentException()
          .isThrownBy(call)
          .withMessageContaining("widths K, V >= 1");
    }
    assertThatIllegalArgumentException()
        .isThrownBy(() -> Engine.packedBytes(ElementType.FLOAT32, WeightType.INT8, -2, 2))
        .withMessageContaining("outputs, inputs >= 1, got -2, 2");
    assertThatIllegalArgumentException()
        .isThrownBy(() -> ENGINE.newCache(CacheType.FLOAT64, 2, 2))
        .withMessageContaining("a FLOAT32 engine has, got one of FLOAT64");
  }
}

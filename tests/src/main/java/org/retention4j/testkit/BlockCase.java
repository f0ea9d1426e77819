package org.retention4j.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.HashMap;
import java.util.List;
import java.util.Locale;
import java.util.Map;
import java.util.Optional;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.nd4j.linalg.factory.Nd4j;
import org.retention4j.core.DecaySchedule;
import org.retention4j.core.HeadNorm;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;
import org.retention4j.core.RetentionConfig;
import org.retention4j.core.RetentionConfigBuilder;
import org.retention4j.core.RetentionParameters;
import org.retention4j.core.Rotation;
import org.retention4j.engine.ops.Activation;
import org.retention4j.nn.WeightSpec;

/**
 * A block's call by configuration and sizes; the numbers come from a fixed seed.
 *
 * @param tokenDecay whether a log decay per token is given
 * @param withState whether there is a state and a position to start from
 * @param resets where sequences begin inside the rows
 */
record BlockCase(
    String name,
    RetentionConfig config,
    int batch,
    int tokens,
    boolean tokenDecay,
    boolean withState,
    int[] lengths,
    Resets resets) {

  static BlockCase of(String name, RetentionConfig config, int batch, int tokens) {
    int[] whole = new int[batch];
    Arrays.fill(whole, tokens);
    return new BlockCase(name, config, batch, tokens, false, true, whole, Resets.none());
  }

  BlockCase fromZero() {
    return new BlockCase(name, config, batch, tokens, tokenDecay, false, lengths, resets);
  }

  BlockCase withTokenDecay() {
    return new BlockCase(name, config, batch, tokens, true, withState, lengths, resets);
  }

  BlockCase lengths(int... lengths) {
    return new BlockCase(name, config, batch, tokens, tokenDecay, withState, lengths, resets);
  }

  /** The same with sequences that begin inside the rows, by their cumulative lengths. */
  BlockCase packed(int[]... cumulative) {
    Resets packed = Resets.cumulative(cumulative);
    return new BlockCase(name, config, batch, tokens, tokenDecay, withState, lengths, packed);
  }

  /** D = 12, two heads, K = 6, V = 12, in the conventions of fla checkpoints. */
  static RetentionConfigBuilder fla() {
    return RetentionConfig.builder(12, 2);
  }

  /** The same in the conventions of torchscale checkpoints. */
  static RetentionConfigBuilder torchscale() {
    return fla()
        .rotation(Rotation.TORCHSCALE)
        .norm(HeadNorm.PLAIN_RMS)
        .scaleKeys(true)
        .normaliseOutput(true);
  }

  BlockCall call(DataType type) {
    return call(type, 40);
  }

  /** Returns the call with other numbers. */
  BlockCall call(DataType type, long seed) {
    long[] shape = {batch, config.heads(), config.keyWidth(), config.valueWidth()};
    INDArray state = withState ? Tensors.gaussian(seed + 1, type, shape) : Nd4j.zeros(type, shape);
    long[] positions = new long[batch];
    Optional<LogDecay> decay = Optional.empty();
    if (withState) {
      for (int b = 0; b < batch; b++) {
        positions[b] = 3 + 10L * b;
      }
    }
    if (tokenDecay) {
      double[] g = new double[batch * tokens * config.heads()];
      Random random = new Random(seed + 2);
      for (int i = 0; i < g.length; i++) {
        g[i] = i % 5 == 2 ? 0 : -0.2 * Math.abs(random.nextGaussian());
      }
      decay = Optional.of(LogDecay.perToken(Tensors.of(g, type, batch, tokens, config.heads())));
    }
    return new BlockCall(
        config,
        parameters(config, type, seed + 3),
        Tensors.gaussian(seed + 4, type, batch, tokens, config.modelWidth()),
        config.twoStreams()
            ? Optional.of(Tensors.gaussian(seed + 9, type, batch, tokens, config.keyValueInput()))
            : Optional.empty(),
        decay,
        state,
        positions,
        lengths,
        resets);
  }

  /** Normal weights of variance 1/in, norm weights around 1, biases around 0. */
  static RetentionParameters parameters(RetentionConfig config, DataType type, long seed) {
    Map<String, INDArray> matrices = new HashMap<>();
    Map<String, double[]> vectors = new HashMap<>();
    for (WeightSpec weight : config.weights()) {
      int rows = (int) weight.rows();
      if (weight.isMatrix()) {
        INDArray matrix = matrix(seed + matrices.size(), type, rows, (int) weight.columns());
        matrices.put(weight.name(), matrix);
        continue;
      }
      double[] vector = new double[rows];
      for (int i = 0; i < rows; i++) {
        boolean norm = weight.kind() == WeightSpec.Kind.NORM;
        vector[i] = norm ? 0.5 + (i % 5) / 4.0 : (i % 7 - 3) / 4.0;
      }
      vectors.put(weight.name(), vector);
    }
    return new RetentionParameters(
        matrices.get(RetentionConfig.QUERY),
        matrices.get(RetentionConfig.KEY),
        matrices.get(RetentionConfig.VALUE),
        Optional.ofNullable(matrices.get(RetentionConfig.GATE)),
        matrices.get(RetentionConfig.OUTPUT),
        vectors);
  }

  private static INDArray matrix(long seed, DataType type, int out, int in) {
    return Tensors.gaussian(seed, DataType.DOUBLE, out, in).div(Math.sqrt(in)).castTo(type);
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "%s B=%d T=%d%s%s%s%s",
        name,
        batch,
        tokens,
        tokenDecay ? " decay per token" : "",
        withState ? "" : " from zero",
        Arrays.stream(lengths).allMatch(n -> n == tokens)
            ? ""
            : " lengths " + Arrays.toString(lengths),
        resets.isEmpty() ? "" : " " + resets);
  }

  /** Every convention by itself, and the two families whole. */
  static List<BlockCase> all() {
    List<BlockCase> cases = new ArrayList<>();
    for (int tokens : new int[] {1, 7, 65}) {
      cases.add(of("fla", fla().build(), 2, tokens));
      cases.add(of("torchscale", torchscale().build(), 2, tokens));
    }
    cases.add(of("fla", fla().build(), 1, 130).fromZero());
    int[] everywhere = {0, 1, 16, 32, 33, 63, 64, 65, 128, 129, 130};
    cases.add(of("fla", fla().build(), 1, 130).packed(everywhere));
    cases.add(of("torchscale", torchscale().build(), 1, 130).packed(everywhere));
    cases.add(of("fla", fla().build(), 1, 65).withTokenDecay().packed(new int[] {0, 7, 65}));
    cases.add(of("torchscale", torchscale().build(), 1, 130).fromZero());
    cases.add(of("fla", fla().build(), 3, 20).lengths(20, 0, 7));
    cases.add(of("torchscale", torchscale().build(), 3, 20).lengths(19, 1, 0));
    cases.add(of("fla gated", fla().build(), 2, 20).withTokenDecay());
    cases.add(of("grouped heads", RetentionConfig.builder(16, 4).kvHeads(2).build(), 2, 20));
    cases.add(of("one kv head", RetentionConfig.builder(16, 4).kvHeads(1).build(), 1, 20));
    RetentionConfigBuilder grouped = RetentionConfig.builder(16, 4).kvHeads(2).scaleKeys(true);
    cases.add(of("grouped, scaled", grouped.build(), 2, 20));
    cases.add(of("grouped, scaled, unrotated", grouped.rotation(Rotation.NONE).build(), 2, 20));
    cases.add(of("no gate", fla().gate(Activation.NONE).build(), 1, 20));
    cases.add(of("no norm weight", fla().norm(HeadNorm.PLAIN_RMS).build(), 1, 20));
    cases.add(of("norm weight", torchscale().norm(HeadNorm.RMS).build(), 1, 20));
    cases.add(of("large eps", fla().normEps(0.5).build(), 1, 20));
    cases.add(of("no rotation", fla().rotation(Rotation.NONE).keyWidth(5).build(), 1, 20));
    cases.add(of("one pair", torchscale().keyWidth(2).build(), 1, 20));
    Rotation closedHalf = new Rotation(Rotation.Layout.HALF, Rotation.Schedule.CLOSED, 100);
    cases.add(of("half, closed, base 100", fla().rotation(closedHalf).build(), 1, 20));
    Rotation openInterleaved =
        new Rotation(Rotation.Layout.INTERLEAVED, Rotation.Schedule.OPEN, 10_000);
    cases.add(of("interleaved, open", fla().rotation(openInterleaved).build(), 1, 20));
    cases.add(of("scaled keys only", fla().scaleKeys(true).build(), 1, 20));
    Rotation none = Rotation.NONE;
    cases.add(of("scaled, unrotated", fla().rotation(none).scaleKeys(true).build(), 1, 20));
    cases.add(of("normalised only", fla().normaliseOutput(true).build(), 1, 20));
    cases.add(of("linspace", fla().decay(DecaySchedule.linspace(2)).build(), 1, 20));
    cases.add(of("custom", torchscale().decay(DecaySchedule.custom(0.1, 0.9997)).build(), 1, 20));
    cases.add(of("odd widths", fla().keyWidth(10).valueWidth(7).build(), 1, 20));
    cases.addAll(BlockOptions.cases());
    return cases;
  }

  /** Gives {@link #all()} to a parameterised test. */
  static final class All implements ArgumentsProvider {
    @Override
    public Stream<? extends Arguments> provideArguments(
        ParameterDeclarations parameters, ExtensionContext context) {
      return all().stream().map(Arguments::of);
    }
  }

  /** Gives one case of each family, for the tests that repeat a call many times. */
  static final class Few implements ArgumentsProvider {
    @Override
    public Stream<? extends Arguments> provideArguments(
        ParameterDeclarations parameters, ExtensionContext context) {
      return Stream.of(
              of("fla", fla().build(), 2, 9),
              of("fla gated", fla().build(), 2, 9).withTokenDecay().lengths(9, 4),
              of("torchscale", torchscale().build(), 2, 9).lengths(5, 9),
              of("all options", BlockOptions.all(), 2, 9).lengths(5, 9))
          .map(Arguments::of);
    }
  }
}

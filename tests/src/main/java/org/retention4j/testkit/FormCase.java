package org.retention4j.testkit;

import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.Random;
import java.util.stream.Stream;
import org.junit.jupiter.api.extension.ExtensionContext;
import org.junit.jupiter.params.provider.Arguments;
import org.junit.jupiter.params.provider.ArgumentsProvider;
import org.junit.jupiter.params.support.ParameterDeclarations;
import org.nd4j.linalg.api.buffer.DataType;
import org.retention4j.core.LogDecay;
import org.retention4j.core.Resets;

/**
 * A call by its sizes; the numbers come from a fixed seed, standard normal, the state included.
 *
 * @param decay what the log decays are like
 * @param zeroState whether S_0 = 0
 * @param lengths tokens of each row
 * @param resets where sequences begin inside the rows
 */
record FormCase(
    int batch,
    int tokens,
    int heads,
    int kvHeads,
    int keyWidth,
    int valueWidth,
    Decay decay,
    boolean zeroState,
    int[] lengths,
    Resets resets) {

  /** Kinds of log decay. */
  enum Decay {
    /** γ = 1 − 2^(−5−h), the checkpoints' schedule. */
    POW2,
    /** 1 − 1/3000: rounded to fp32 it is off by 1e-5 of its distance to 1. */
    SLOW,
    /** e^(−1−h): nothing but differences of logarithms may be exponentiated. */
    FAST,
    /** Per token, −0.2·|normal|, every fifth exactly 0. */
    PER_TOKEN,
    /** Per token, all exactly 0. */
    NONE,
    /** Per token, mild, but every tenth token forgets all that was before. */
    ABRUPT,
    /** γ = 1: nothing is forgotten but by resets. */
    ONE,
    /** Per token, mild, but −∞ for one head or another, and at token 41 for all. */
    RESETTING;

    boolean constant() {
      return this == POW2 || this == SLOW || this == FAST || this == ONE;
    }
  }

  static FormCase of(int batch, int tokens, int heads, int kvHeads, int keys, int values, Decay d) {
    int[] whole = new int[batch];
    Arrays.fill(whole, tokens);
    return new FormCase(
        batch, tokens, heads, kvHeads, keys, values, d, false, whole, Resets.none());
  }

  FormCase fromZero() {
    return new FormCase(
        batch, tokens, heads, kvHeads, keyWidth, valueWidth, decay, true, lengths, resets);
  }

  FormCase lengths(int... lengths) {
    return new FormCase(
        batch, tokens, heads, kvHeads, keyWidth, valueWidth, decay, zeroState, lengths, resets);
  }

  /** The same with sequences that begin inside the rows, by their cumulative lengths. */
  FormCase packed(int[]... cumulative) {
    return new FormCase(
        batch,
        tokens,
        heads,
        kvHeads,
        keyWidth,
        valueWidth,
        decay,
        zeroState,
        lengths,
        Resets.cumulative(cumulative));
  }

  /** Returns the call in a type, the same for the same case. */
  FormCall call(DataType type) {
    return call(type, 7);
  }

  /** Returns the call with other numbers. */
  FormCall call(DataType type, long seed) {
    return new FormCall(
        Tensors.gaussian(seed + 1, type, batch, tokens, heads, keyWidth),
        Tensors.gaussian(seed + 2, type, batch, tokens, kvHeads, keyWidth),
        Tensors.gaussian(seed + 3, type, batch, tokens, kvHeads, valueWidth),
        logDecay(type, seed + 4),
        1 / Math.sqrt(keyWidth),
        zeroState
            ? Tensors.of(
                new double[batch * heads * keyWidth * valueWidth],
                type,
                batch,
                heads,
                keyWidth,
                valueWidth)
            : Tensors.gaussian(seed + 5, type, batch, heads, keyWidth, valueWidth),
        lengths,
        resets);
  }

  private LogDecay logDecay(DataType type, long seed) {
    if (!decay.constant()) {
      double[] g = new double[batch * tokens * heads];
      Random random = new Random(seed);
      for (int i = 0; i < g.length; i++) {
        g[i] = perToken(i / heads % tokens, i % heads, random.nextGaussian());
      }
      return LogDecay.perToken(Tensors.of(g, type, batch, tokens, heads));
    }
    double[] g = new double[heads];
    for (int h = 0; h < heads; h++) {
      g[h] =
          switch (decay) {
            case POW2 -> Math.log1p(-Math.pow(2, -5 - h));
            case ONE -> 0;
            case SLOW -> Math.log1p(-1.0 / 3000 / (1 + h));
            default -> -1 - h;
          };
    }
    return LogDecay.perHead(g);
  }

  private double perToken(int token, int head, double normal) {
    return switch (decay) {
      case NONE -> 0;
      case RESETTING ->
          token == 41 || token % 9 == 4 + head ? Double.NEGATIVE_INFINITY : -0.1 * Math.abs(normal);
      case ABRUPT -> token % 10 == 3 ? -1e30 : -0.1 * Math.abs(normal);
      default -> token % 5 == 2 ? 0 : -0.2 * Math.abs(normal);
    };
  }

  @Override
  public String toString() {
    return String.format(
        Locale.ROOT,
        "B=%d T=%d H=%d/%d K=%d V=%d %s%s%s%s",
        batch,
        tokens,
        heads,
        kvHeads,
        keyWidth,
        valueWidth,
        decay,
        zeroState ? " from zero" : "",
        Arrays.stream(lengths).allMatch(n -> n == tokens)
            ? ""
            : " lengths " + Arrays.toString(lengths),
        resets.isEmpty() ? "" : " " + resets);
  }

  /** Sizes that hurt: around the chunk sizes people choose, odd widths, groups, short rows. */
  static List<FormCase> all() {
    List<FormCase> cases = new ArrayList<>();
    for (int tokens : new int[] {1, 7, 63, 64, 65, 130}) {
      cases.add(of(1, tokens, 2, 2, 8, 16, Decay.POW2));
      cases.add(of(2, tokens, 4, 2, 5, 3, Decay.PER_TOKEN));
    }
    cases.add(of(1, 20, 1, 1, 1, 7, Decay.POW2));
    cases.add(of(1, 20, 1, 1, 7, 1, Decay.PER_TOKEN));
    cases.add(of(1, 70, 2, 1, 33, 65, Decay.SLOW));
    cases.add(of(2, 130, 3, 1, 4, 6, Decay.FAST));
    cases.add(of(1, 65, 3, 3, 6, 5, Decay.POW2).fromZero());
    cases.add(of(1, 65, 2, 2, 6, 5, Decay.NONE));
    cases.add(of(2, 65, 2, 1, 6, 5, Decay.ABRUPT));
    cases.add(of(3, 66, 4, 2, 5, 7, Decay.POW2).lengths(0, 5, 66));
    cases.add(of(4, 66, 2, 1, 5, 7, Decay.PER_TOKEN).lengths(65, 1, 0, 64));
    cases.add(of(1, 66, 2, 2, 6, 5, Decay.ONE));
    cases.add(of(2, 65, 3, 1, 6, 5, Decay.RESETTING));
    // At the first token, at the last, twice in a row, at the borders of chunks.
    int[] everywhere = {0, 1, 2, 16, 32, 33, 63, 64, 65, 128, 129, 130};
    cases.add(of(1, 130, 2, 1, 5, 7, Decay.POW2).packed(everywhere));
    cases.add(of(1, 130, 2, 1, 5, 7, Decay.PER_TOKEN).packed(everywhere));
    cases.add(of(1, 130, 1, 1, 4, 6, Decay.ONE).packed(new int[] {0, 50, 130}));
    cases.add(
        of(2, 66, 2, 2, 5, 3, Decay.POW2)
            .packed(new int[] {0, 66}, new int[] {0, 7, 20, 65, 66})
            .lengths(40, 65));
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

  /** Gives one case of each kind of decay, for the tests that repeat a call many times. */
  static final class Few implements ArgumentsProvider {
    @Override
    public Stream<? extends Arguments> provideArguments(
        ParameterDeclarations parameters, ExtensionContext context) {
      return Stream.of(
              of(1, 7, 2, 1, 5, 3, Decay.POW2),
              of(2, 20, 2, 2, 4, 5, Decay.PER_TOKEN),
              of(2, 20, 2, 1, 4, 5, Decay.FAST).lengths(20, 9),
              of(1, 130, 2, 2, 3, 5, Decay.SLOW),
              of(1, 70, 2, 2, 3, 5, Decay.POW2).packed(new int[] {0, 7, 8, 30, 65, 70}),
              of(1, 50, 2, 1, 3, 5, Decay.RESETTING))
          .map(Arguments::of);
    }
  }
}

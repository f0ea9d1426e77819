package org.retention4j.bench.peers;

import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Arrays;
import java.util.List;
import java.util.Locale;
import java.util.TreeSet;
import org.retention4j.bench.measure.Statistics;

/** Training of this library beside libtorch's, each in JVMs of its own, by turns. */
public final class PeerComparison {
  /** Losses after up to three steps: AdamW divides small by small. Four times what was seen. */
  private static final double BOUND = 5e-5;

  /** The first loss is of the same weights. */
  private static final double FIRST_BOUND = 2e-6;

  private static final List<Class<?>> TURNS =
      List.of(OwnSteps.class, LibtorchSteps.class, LibtorchSteps.class, OwnSteps.class);

  private PeerComparison() {}

  /** What a JVM printed. */
  private record Run(double[] losses, double[] seconds) {}

  /**
   * Compares.
   *
   * @param args cases, all if none; the number behind d64 is that of tokens a step
   */
  public static void main(String[] args) throws IOException, InterruptedException {
    List<String> cases = args.length == 0 ? List.copyOf(new TreeSet<>(PeerCase.ALL.keySet())) : List.of(args);
    for (String name : cases) {
      if (!PeerCase.ALL.containsKey(name)) {
        throw new IllegalArgumentException(
            "expected cases among " + PeerCase.ALL.keySet() + ", got " + name);
      }
    }
    for (String name : cases) {
      compare(name, Runtime.getRuntime().availableProcessors());
    }
  }

  private static void compare(String name, int threads) throws IOException, InterruptedException {
    Path weights = Files.createTempFile("weights", ".bin");
    try {
      List<Run> own = new ArrayList<>();
      List<Run> peer = new ArrayList<>();
      for (Class<?> turn : TURNS) {
        (turn == OwnSteps.class ? own : peer).add(run(turn, name, weights, threads));
      }
      report(PeerCase.ALL.get(name), name, own, peer);
    } finally {
      Files.delete(weights);
    }
  }

  private static Run run(Class<?> steps, String name, Path weights, int threads)
      throws IOException, InterruptedException {
    List<String> command =
        List.of(
            Path.of(System.getProperty("java.home"), "bin", "java").toString(),
            "--add-modules",
            "jdk.incubator.vector",
            "-cp",
            System.getProperty("java.class.path"),
            "-Dorg.bytedeco.javacpp.cachedir="
                + System.getProperty("org.bytedeco.javacpp.cachedir", ""),
            steps.getName(),
            name,
            weights.toString(),
            "" + threads);
    ProcessBuilder builder = new ProcessBuilder(command);
    builder.redirectError(ProcessBuilder.Redirect.INHERIT);
    builder.environment().put("OMP_WAIT_POLICY", "PASSIVE");
    builder.environment().put("OMP_NUM_THREADS", "" + threads);
    Process process = builder.start();
    String out = new String(process.getInputStream().readAllBytes(), StandardCharsets.UTF_8);
    if (process.waitFor() != 0) {
      throw new IllegalStateException(steps.getSimpleName() + " ended with " + process.exitValue());
    }
    return new Run(numbers(out, StepTimes.LOSSES), numbers(out, StepTimes.SECONDS));
  }

  private static double[] numbers(String out, String name) {
    String line = out.lines().filter(l -> l.startsWith(name)).findFirst().orElseThrow();
    return Arrays.stream(line.substring(name.length()).strip().split(" ", -1))
        .mapToDouble(Double::parseDouble)
        .toArray();
  }

  private static void report(PeerCase of, String name, List<Run> own, List<Run> peer) {
    double[] ours = own.get(0).losses();
    double[] theirs = peer.get(0).losses();
    for (int i = 0; i < ours.length; i++) {
      double error = Math.abs(ours[i] / theirs[i] - 1);
      if (!(error <= (i == 0 ? FIRST_BOUND : BOUND))) {
        throw new IllegalStateException(
            "expected the same losses, got " + Arrays.toString(ours) + ", "
                + Arrays.toString(theirs));
      }
    }
    double us = median(own);
    double them = median(peer);
    double tokens = (double) of.rows() * of.tokens();
    System.out.printf(
        Locale.ROOT,
        "%-6s losses %s and %s%n       %.0f tokens/s, libtorch %.0f (runs %s and %s): %.2f times,"
            + " target %.2f%n",
        name,
        Arrays.toString(ours),
        Arrays.toString(theirs),
        tokens / us,
        tokens / them,
        each(own, tokens),
        each(peer, tokens),
        them / us,
        of.target());
  }

  private static double median(List<Run> runs) {
    return Statistics.median(
        runs.stream().flatMapToDouble(run -> Arrays.stream(run.seconds())).toArray());
  }

  private static String each(List<Run> runs, double tokens) {
    return runs.stream()
        .map(run -> String.format(Locale.ROOT, "%.0f", tokens / Statistics.median(run.seconds())))
        .toList()
        .toString();
  }
}

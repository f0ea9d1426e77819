package org.retention4j.train.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.core.json.JsonReadFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.BufferedReader;
import java.io.IOException;
import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.TreeMap;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;

/**
 * What a run's log says. A run that was stopped and went on from an earlier step says some steps
 * twice: the last word counts, and what came after that step in the words before does not.
 */
final class RunLog {
  private static final JsonMapper MAPPER =
      JsonMapper.builder().enable(JsonReadFeature.ALLOW_NON_NUMERIC_NUMBERS).build();

  private final TreeMap<Long, Step> steps = new TreeMap<>();
  private final TreeMap<Long, Evaluation> evaluations = new TreeMap<>();
  private List<Rung> ladder = List.of();
  private double entropy = Double.NaN;
  private int unreadable;

  /**
   * A training step; what the log does not say is NaN.
   *
   * @param tokens so far
   * @param bpb bits per byte of the step's batch
   * @param rate learning rate
   * @param norm of the gradient before clipping
   * @param tokensPerSecond of the step
   * @param ms the step took
   */
  record Step(
      long step,
      double tokens,
      double bpb,
      double rate,
      double norm,
      boolean clipped,
      double tokensPerSecond,
      double ms) {}

  /**
   * An evaluation on held-out text.
   *
   * @param tokens so far
   * @param bpb bits per byte
   */
  record Evaluation(long step, double tokens, double bpb) {}

  /**
   * What n-grams of an order reach on the held-out text.
   *
   * @param bpb bits per byte
   */
  record Rung(int order, double bpb) {}

  private RunLog() {}

  /**
   * Reads a log; lines that say something else, and what is no JSON, are passed over.
   *
   * @throws CheckpointException if the file cannot be read
   */
  static RunLog read(Path file) {
    RunLog log = new RunLog();
    // A run that was killed may have cut a character: a reader of this kind takes what it finds.
    try (BufferedReader lines =
        new BufferedReader(
            new InputStreamReader(Files.newInputStream(file), StandardCharsets.UTF_8))) {
      for (String line = lines.readLine(); line != null; line = lines.readLine()) {
        log.line(line);
      }
    } catch (IOException e) {
      throw new CheckpointException("cannot read " + file + ": " + Shown.reason(e), e);
    }
    return log;
  }

  private void line(String line) {
    if (line.isBlank()) {
      return;
    }
    try {
      JsonNode json = MAPPER.readTree(line);
      entropy = json.has("entropy") ? number(json, "entropy") : entropy;
      if (json.path("ladder").isArray()) {
        ladder = ladder(json.get("ladder"));
      }
      if (json.path("step").canConvertToLong() && !Double.isNaN(number(json, "tokens"))) {
        step(json, json.get("step").asLong());
      }
    } catch (JsonProcessingException e) {
      unreadable++;
    }
  }

  private void step(JsonNode json, long step) {
    double tokens = number(json, "tokens");
    double bpb = number(json, "bpb");
    if (json.path("evaluation").asBoolean()) {
      evaluations.tailMap(step, true).clear();
      evaluations.put(step, new Evaluation(step, tokens, bpb));
    } else if (json.has("loss")) {
      if (!steps.isEmpty() && step <= steps.lastKey()) {
        steps.tailMap(step, true).clear();
        evaluations.tailMap(step, true).clear();
      }
      steps.put(
          step,
          new Step(
              step,
              tokens,
              bpb,
              number(json, "lr"),
              number(json, "norm"),
              json.path("clipped").asBoolean(),
              number(json, "tokensPerSecond"),
              number(json, "ms")));
    }
  }

  private static List<Rung> ladder(JsonNode rungs) {
    List<Rung> ladder = new ArrayList<>();
    for (JsonNode rung : rungs) {
      double bpb = number(rung, "bpb");
      if (rung.path("order").canConvertToInt() && Double.isFinite(bpb)) {
        ladder.add(new Rung(rung.get("order").asInt(), bpb));
      }
    }
    return List.copyOf(ladder);
  }

  private static double number(JsonNode json, String key) {
    JsonNode value = json.path(key);
    return value.isNumber() ? value.doubleValue() : Double.NaN;
  }

  /** Returns the training steps in their order. */
  List<Step> steps() {
    return List.copyOf(steps.values());
  }

  /** Returns the evaluations in their order. */
  List<Evaluation> evaluations() {
    return List.copyOf(evaluations.values());
  }

  /** Returns the n-gram ladder, empty where the log has none. */
  List<Rung> ladder() {
    return ladder;
  }

  /** Returns the text's known entropy in bits per byte, or NaN. */
  double entropy() {
    return entropy;
  }

  /** Returns how many lines were no JSON; the last of a run that was killed may be one. */
  int unreadable() {
    return unreadable;
  }
}

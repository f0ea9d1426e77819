package org.retention4j.train.report;

import com.fasterxml.jackson.databind.JsonNode;
import java.nio.ByteBuffer;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.Comparator;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.function.ToDoubleFunction;
import org.retention4j.args.Args;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.checkpoint.format.Json;
import org.retention4j.checkpoint.format.PendingFile;
import org.retention4j.train.report.Chart.Level;
import org.retention4j.train.report.Curve.Point;
import org.retention4j.train.report.RunLog.Evaluation;
import org.retention4j.train.report.RunLog.Rung;
import org.retention4j.train.report.RunLog.Step;

/**
 * A page about a run: bits per byte of what it trained on and of what was held out, beside n-grams
 * and a known entropy; learning rate, gradient norm and speed; its options. One HTML file that
 * needs nothing else, no network and no script.
 *
 * <p>It is made of {@value #LOG}, one JSON object a line, and of {@value #OPTIONS} where the folder
 * has it. Lines of training have {@code step}, {@code tokens} (so far), {@code loss} (nats a
 * token), {@code bpb} (bits per byte), {@code lr}, {@code norm}, {@code clipped}, {@code
 * tokensPerSecond} and {@code ms}; those of an evaluation {@code step}, {@code tokens}, {@code
 * "evaluation": true} and {@code bpb}; a line may have {@code ladder}, a list of {@code order} and
 * {@code bpb}, or {@code entropy} in bits per byte. What a line lacks is a gap. A line that is no
 * JSON, as a killed run may leave its last, is passed over; where steps go back, a run went on from
 * an earlier checkpoint, and what it had said after that is forgotten.
 *
 * @since 0.1
 */
public final class RunReport {
  /** What a run writes. */
  public static final String LOG = "train.jsonl";

  /** A run's options. */
  public static final String OPTIONS = "trainer.json";

  /** The page. */
  public static final String PAGE = "report.html";

  private RunReport() {}

  /**
   * Writes the page into the folder of a run; a page that is there already is replaced when the new
   * one is whole.
   *
   * @return its path
   * @throws CheckpointException if the log cannot be read or the page not written
   */
  public static Path write(Path folder) {
    Path path = Args.present("the folder of a run", folder).resolve(PAGE);
    byte[] page = page(folder).getBytes(StandardCharsets.UTF_8);
    try (PendingFile file = PendingFile.of(path, true)) {
      file.write(0, ByteBuffer.wrap(page));
      file.finish();
    }
    return path;
  }

  /**
   * Returns the page about the run of a folder.
   *
   * @throws CheckpointException if the log cannot be read
   */
  public static String page(Path folder) {
    RunLog log = RunLog.read(Args.present("the folder of a run", folder).resolve(LOG));
    StringBuilder body = new StringBuilder(Html.summary(summary(log)));
    body.append("<div class=\"plots\">\n");
    charts(log).forEach(chart -> body.append(chart.html()));
    body.append("</div>\n");
    if (!log.ladder().isEmpty()) {
      body.append(Html.table("N-grams on the held-out text", ladderHeaders(), ladderRows(log)));
    }
    body.append(options(folder.resolve(OPTIONS)));
    return Html.page("Training run " + name(folder), body.toString());
  }

  private static String name(Path folder) {
    Path name = folder.toAbsolutePath().normalize().getFileName();
    return Shown.name(name == null ? folder : name);
  }

  private static List<String> summary(RunLog log) {
    List<String> sentences = new ArrayList<>();
    List<Step> steps = log.steps();
    if (steps.isEmpty()) {
      sentences.add("No step so far.");
    } else {
      Step last = steps.get(steps.size() - 1);
      double seconds = sum(steps, Step::ms) / 1000;
      sentences.add(
          format(
              "%s, %s tokens%s; the last step %s bits per byte.",
              count(last.step(), "step"),
              Axis.label(last.tokens()),
              seconds > 0 ? " in " + time(seconds) + " of steps" : "",
              bits(last.bpb())));
      long clipped = steps.stream().filter(Step::clipped).count();
      sentences.add(
          format("Gradients were clipped in %.1f %% of steps.", 100.0 * clipped / steps.size()));
    }
    best(log).ifPresent(best -> sentences.add(heldOut(log, best)));
    bestRung(log)
        .ifPresent(
            rung ->
                sentences.add(
                    format(
                        "N-grams reach %s bits per byte at best, with %s of context.",
                        bits(rung.bpb()), count(rung.order(), "byte"))));
    if (Double.isFinite(log.entropy())) {
      sentences.add(format("The entropy of the text is %s bits per byte.", bits(log.entropy())));
    }
    if (log.unreadable() > 0) {
      sentences.add(format("Of the log %s could not be read.", count(log.unreadable(), "line")));
    }
    return sentences;
  }

  private static String heldOut(RunLog log, Evaluation best) {
    Evaluation last = log.evaluations().get(log.evaluations().size() - 1);
    return format(
        "On held-out text %s bits per byte after step %d%s.",
        bits(last.bpb()),
        last.step(),
        last.step() == best.step()
            ? ", the least so far"
            : format("; the least was %s after step %d", bits(best.bpb()), best.step()));
  }

  private static Optional<Evaluation> best(RunLog log) {
    return log.evaluations().stream()
        .min(Comparator.comparingDouble(Evaluation::bpb).thenComparing(e -> -e.step()));
  }

  private static Optional<Rung> bestRung(RunLog log) {
    return log.ladder().stream().min(Comparator.comparingDouble(Rung::bpb));
  }

  private static List<Chart> charts(RunLog log) {
    List<Point> heldOut =
        log.evaluations().stream().map(e -> new Point(e.tokens(), e.bpb())).toList();
    return List.of(
        new Chart(
            "Bits per byte",
            "bits per byte",
            true,
            List.of(
                curve("training", log, Step::bpb).averaged(),
                new Curve("held out", "second", heldOut)),
            levels(log)),
        new Chart(
            "Learning rate",
            "learning rate",
            false,
            List.of(curve("learning rate", log, Step::rate).averaged()),
            List.of()),
        new Chart(
            "Gradient norm, before clipping",
            "norm",
            true,
            List.of(curve("norm, largest of neighbouring steps", log, Step::norm).peaks()),
            List.of()),
        new Chart(
            "Speed",
            "tokens per second",
            false,
            List.of(curve("tokens per second", log, Step::tokensPerSecond).averaged()),
            List.of()));
  }

  private static Curve curve(String name, RunLog log, ToDoubleFunction<Step> figure) {
    List<Point> points =
        log.steps().stream()
            .map(step -> new Point(step.tokens(), figure.applyAsDouble(step)))
            .toList();
    return new Curve(name, "first", points);
  }

  /** The entropy and the best n-grams first: they are named whatever else has no room. */
  private static List<Level> levels(RunLog log) {
    List<Level> levels = new ArrayList<>();
    if (Double.isFinite(log.entropy())) {
      levels.add(new Level("entropy", "entropy", log.entropy()));
    }
    log.ladder().stream()
        .sorted(Comparator.comparingDouble(Rung::bpb))
        .forEach(rung -> levels.add(new Level("order " + rung.order(), "rung", rung.bpb())));
    return levels;
  }

  private static List<String> ladderHeaders() {
    return List.of("bytes of context", "bits per byte");
  }

  private static List<List<String>> ladderRows(RunLog log) {
    return log.ladder().stream()
        .map(rung -> List.of(String.valueOf(rung.order()), bits(rung.bpb())))
        .toList();
  }

  private static String options(Path file) {
    if (!Files.exists(file)) {
      return "";
    }
    try {
      List<List<String>> rows = new ArrayList<>();
      flatten("", Json.configuration(file), rows);
      return Html.table("Options", List.of("option", "value"), rows);
    } catch (CheckpointException e) {
      return Html.note(e.getMessage());
    }
  }

  private static void flatten(String prefix, JsonNode json, List<List<String>> rows) {
    if (!json.isObject()) {
      String value = json.isTextual() ? json.asText() : json.toString();
      rows.add(List.of(Shown.name(prefix), Shown.name(value)));
      return;
    }
    json.properties()
        .forEach(
            entry ->
                flatten(
                    prefix.isEmpty() ? entry.getKey() : prefix + "." + entry.getKey(),
                    entry.getValue(),
                    rows));
  }

  private static double sum(List<Step> steps, ToDoubleFunction<Step> figure) {
    return steps.stream().mapToDouble(figure).filter(Double::isFinite).sum();
  }

  private static String count(long number, String thing) {
    return number + " " + thing + (number == 1 ? "" : "s");
  }

  private static String bits(double bpb) {
    return format("%.3f", bpb);
  }

  private static String time(double seconds) {
    long whole = Math.round(seconds);
    if (whole < 120) {
      return format("%.1f s", seconds);
    }
    return whole < 7200
        ? format("%d min", Math.round(seconds / 60))
        : format("%.1f h", seconds / 3600);
  }

  private static String format(String format, Object... args) {
    return String.format(Locale.ROOT, format, args);
  }
}

package org.retention4j.train.run;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.node.ArrayNode;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.io.FileOutputStream;
import java.io.IOException;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import org.retention4j.args.Shown;
import org.retention4j.checkpoint.format.CheckpointException;
import org.retention4j.engine.HeldMemory;
import org.retention4j.train.StepResult;
import org.retention4j.train.evaluate.NGramLadder;
import org.retention4j.train.tensor.ActivationReport;
import org.retention4j.train.tensor.TensorReport;

/**
 * train.jsonl: what happened, a line of JSON each, by its {@code type}.
 *
 * <ul>
 *   <li>{@code run}: step, parameters, flops_per_token, tokens_per_step, steps
 *   <li>{@code step}: step, tokens, loss, bpb, lr, norm, clipped, tokensPerSecond, ms, bytes
 *   <li>{@code tensors}: step, tensors, layers, largest_logit
 *   <li>{@code evaluation}: step, tokens, evaluation, loss, bpb of the held-out text
 *   <li>{@code ladder}: step, ladder
 *   <li>{@code sample}: step, prompt, text
 *   <li>{@code checkpoint}: step, name
 *   <li>{@code stopped}: step, why
 * </ul>
 */
final class RunLog implements AutoCloseable {
  /** Before all steps. */
  static final long NEW = -1;

  private static final ObjectMapper MAPPER = new ObjectMapper();

  private final Path file;

  /** No channel: the interruption of a thread would close one. */
  private final FileOutputStream out;

  /**
   * Opens a log to go on behind a step: lines of later ones, which will come again, go.
   *
   * @param step {@link #NEW} for a log that begins
   */
  RunLog(RunFolder folder, long step) {
    file = folder.path().resolve(RunFolder.LOG);
    try {
      if (Files.exists(file)) {
        String all = Files.readString(file);
        String kept = kept(all, step);
        if (!kept.equals(all)) {
          folder.write(file, kept);
        }
      }
      out = new FileOutputStream(file.toFile(), true);
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private static String kept(String all, long step) {
    StringBuilder kept = new StringBuilder();
    for (int at = 0, end; (end = all.indexOf('\n', at)) >= 0; at = end + 1) {
      String line = all.substring(at, end);
      if (isUpTo(line, step)) {
        kept.append(line).append('\n');
      }
    }
    return kept.toString();
  }

  private static boolean isUpTo(String line, long step) {
    try {
      JsonNode json = MAPPER.readTree(line);
      return json.path("step").isNumber() && json.path("step").asLong() <= step;
    } catch (JsonProcessingException e) {
      return false;
    }
  }

  void run(long step, RunPlan plan) {
    ObjectNode line = line("run", step);
    line.put("parameters", plan.parameters());
    line.put("flops_per_token", plan.flopsPerToken());
    line.put("tokens_per_step", plan.tokensPerStep());
    plan.steps().ifPresent(steps -> line.put("steps", steps));
    write(line);
  }

  void step(StepResult result, double bitsPerByte, long tokens, double seconds) {
    ObjectNode line = line("step", result.step());
    line.put("tokens", result.tokens());
    line.put("loss", result.loss());
    line.put("bpb", bitsPerByte);
    line.put("lr", result.rate());
    line.put("norm", result.gradientNorm());
    line.put("clipped", result.clipped());
    line.put("tokensPerSecond", Math.round(tokens / seconds));
    line.put("ms", Math.round(seconds * 1e4) / 10.0);
    line.put("bytes", HeldMemory.liveBytes());
    write(line);
  }

  void evaluation(long step, long tokens, double loss, double bitsPerByte) {
    ObjectNode line = line("evaluation", step).put("tokens", tokens).put("evaluation", true);
    write(line.put("loss", loss).put("bpb", bitsPerByte));
  }

  void tensors(long step, List<TensorReport> reports, ActivationReport activations) {
    ObjectNode line = line("tensors", step);
    ObjectNode all = line.putObject("tensors");
    for (TensorReport report : reports) {
      ObjectNode tensor = all.putObject(report.name()).put("norm", report.gradientNorm());
      if (!Double.isNaN(report.ratio())) {
        tensor.put("ratio", report.ratio());
      }
    }
    ArrayNode layers = line.putArray("layers");
    for (ActivationReport.Layer layer : activations.layers()) {
      ObjectNode one = layers.addObject().put("layer", layer.layer());
      one.put("smallest", layer.smallest()).put("mean", layer.mean());
      one.put("largest", layer.largest());
    }
    if (Double.isFinite(activations.largestLogit())) {
      line.put("largest_logit", activations.largestLogit());
    }
    write(line);
  }

  void ladder(NGramLadder ladder) {
    ObjectNode line = line("ladder", 0);
    ArrayNode rungs = line.putArray("ladder");
    ladder.rungs().forEach(r -> rungs.addObject().put("order", r.order()).put("bpb", r.bpb()));
    write(line);
  }

  void sample(long step, String prompt, String text) {
    write(line("sample", step).put("prompt", prompt).put("text", text));
  }

  void checkpoint(long step, Path folder) {
    write(line("checkpoint", step).put("name", folder.getFileName().toString()));
  }

  void stopped(long step, String why) {
    write(line("stopped", step).put("why", why));
  }

  private static ObjectNode line(String type, long step) {
    return MAPPER.createObjectNode().put("type", type).put("step", step);
  }

  private void write(ObjectNode line) {
    try {
      out.write((line + "\n").getBytes(StandardCharsets.UTF_8));
    } catch (IOException e) {
      throw failed(e);
    }
  }

  /** Puts all lines on the disk. */
  void sync() {
    try {
      out.getFD().sync();
    } catch (IOException e) {
      throw failed(e);
    }
  }

  private CheckpointException failed(IOException e) {
    return new CheckpointException("cannot write " + file + ": " + Shown.reason(e), e);
  }

  @Override
  public void close() {
    try {
      out.close();
    } catch (IOException e) {
      throw failed(e);
    }
  }
}

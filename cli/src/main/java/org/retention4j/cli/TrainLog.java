package org.retention4j.cli;

import java.io.PrintWriter;
import java.nio.file.Path;
import java.util.Locale;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.retention4j.engine.HeldMemory;
import org.retention4j.train.StepResult;
import org.retention4j.train.run.RunListener;
import org.retention4j.train.run.RunPlan;
import picocli.CommandLine.Help.Ansi;

/** How a run goes: a line that changes on a terminal, a line every few seconds elsewhere. */
final class TrainLog implements RunListener, AutoCloseable {
  private static final long PARTS = 1000;
  private static final double NANOS = 1e9;
  private static final double BETWEEN = 10;

  private final PrintWriter out;
  private final double product;
  private final ProgressBar bar;

  private RunPlan plan;
  private long begun;
  private long told;
  private double doneBefore = -1;

  /**
   * Begins.
   *
   * @param product the bare product's floating-point operations a second
   */
  TrainLog(PrintWriter out, double product) {
    this.out = out;
    this.product = product;
    bar =
        Ansi.AUTO.enabled()
            ? new ProgressBarBuilder()
                .setTaskName("training")
                .setInitialMax(PARTS)
                .setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new ConsoleProgressBarConsumer(System.err, 160))
                .clearDisplayOnFinish()
                .build()
            : null;
  }

  @Override
  public void began(RunPlan whole, long step) {
    plan = whole;
    begun = System.nanoTime();
    out.printf(
        Locale.ROOT,
        "%s at step %s: %s parameters, %s tokens a step%s%n",
        step == 0 ? "begins" : "goes on",
        Texts.count(step),
        Texts.count(whole.parameters()),
        Texts.count(whole.tokensPerStep()),
        whole.steps().isPresent() ? ", " + Texts.count(whole.steps().getAsLong()) + " steps" : "");
    out.flush();
  }

  @Override
  public void stepped(StepResult result, double bits, double seconds, double done) {
    if (doneBefore < 0) {
      doneBefore = done;
    }
    double speed = plan.tokensPerStep() / seconds;
    String line =
        String.format(
            Locale.ROOT,
            "loss %.4f  bpb %.4f  rate %.2e  norm %.2f%s  %s tokens/s (%.0f %% of the product)"
                + "  %s",
            result.loss(),
            bits,
            result.rate(),
            result.gradientNorm(),
            result.clipped() ? " clipped" : "",
            Texts.count(Math.round(speed)),
            100 * speed * plan.flopsPerToken() / product,
            Texts.bytes(HeldMemory.liveBytes()));
    if (bar != null) {
      bar.stepTo(Math.round(PARTS * done));
      bar.setExtraMessage(" step " + Texts.count(result.step()) + "  " + line);
      return;
    }
    long now = System.nanoTime();
    if (told == 0 || (now - told) / NANOS >= BETWEEN || done >= 1) {
      told = now;
      out.printf(
          Locale.ROOT,
          "step %s  %s tokens  %s  %.0f %%%s%n",
          Texts.count(result.step()),
          Texts.count(result.tokens()),
          line,
          100 * done,
          left(done, now));
      out.flush();
    }
  }

  private String left(double done, long now) {
    double since = done - doneBefore;
    double minutes = (now - begun) / NANOS / 60 * (1 - done) / since;
    return since <= 0 ? "" : String.format(Locale.ROOT, ", %.1f minutes left", minutes);
  }

  @Override
  public void evaluated(long step, double loss, double bits) {
    say(
        String.format(
            Locale.ROOT,
            "step %s  held out: loss %.4f, %.4f bits per byte",
            Texts.count(step),
            loss,
            bits));
  }

  @Override
  public void sampled(long step, String prompt, String text) {
    say(("step " + Texts.count(step) + "  " + prompt + " | " + text).replaceAll("\\R", " "));
  }

  @Override
  public void saved(long step, Path folder) {
    say("step " + Texts.count(step) + "  wrote " + folder.getFileName());
  }

  private void say(String line) {
    // On a terminal the bar has the line; it comes again below.
    out.println(bar == null ? line : "\r\u001b[K" + line);
    out.flush();
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

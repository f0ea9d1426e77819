package org.retention4j.bench;

import java.io.PrintStream;
import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine.Help.Ansi;

/**
 * Rows on standard output as they come, and on a terminal a bar below them. The bar is redrawn
 * between measurements only: a thread that draws would disturb what is timed.
 */
final class Progress implements AutoCloseable {
  private static final int NEVER = Integer.MAX_VALUE;
  private static final String CLEAR_LINE = "\r\u001b[K";

  private final PrintStream out;
  private final ProgressBar bar;
  private boolean begun;

  Progress(PrintStream out, int steps) {
    this.out = out;
    bar = Ansi.AUTO.enabled() ? bar(steps) : null;
  }

  private static ProgressBar bar(int steps) {
    return new ProgressBarBuilder()
        .setTaskName("benchmark")
        .setInitialMax(steps)
        .setStyle(ProgressBarStyle.ASCII)
        .setUpdateIntervalMillis(NEVER)
        .continuousUpdate()
        .setConsumer(new ConsoleProgressBarConsumer(System.err, 100))
        .clearDisplayOnFinish()
        .build();
  }

  /** Prints a line above the bar. */
  void line(String text) {
    if (bar != null) {
      System.err.print(CLEAR_LINE);
      System.err.flush();
    }
    out.println(text);
    out.flush();
    if (bar != null) {
      bar.refresh();
    }
  }

  /** Says what comes next and counts what came before. */
  void step(String what) {
    if (bar != null) {
      bar.setExtraMessage(what);
      if (begun) {
        bar.step();
      }
      begun = true;
      bar.refresh();
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

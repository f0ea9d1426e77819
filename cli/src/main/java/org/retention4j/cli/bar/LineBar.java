package org.retention4j.cli.bar;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import picocli.CommandLine.Help.Ansi;

/** A bar on the terminal while many small things are done; nothing where there is no terminal. */
public final class LineBar implements AutoCloseable {
  private final ProgressBar bar;

  /**
   * Begins.
   *
   * @param wanted false for no bar
   */
  public LineBar(String things, boolean wanted) {
    bar =
        wanted && Ansi.AUTO.enabled()
            ? new ProgressBarBuilder()
                .setTaskName(things)
                .setInitialMax(-1)
                .setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new ConsoleProgressBarConsumer(System.err, 100))
                .clearDisplayOnFinish()
                .build()
            : null;
  }

  /** Counts what is done. */
  public void step(int count) {
    if (bar != null) {
      bar.stepBy(count);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

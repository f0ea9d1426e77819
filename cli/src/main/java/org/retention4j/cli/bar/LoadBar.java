package org.retention4j.cli.bar;

import me.tongfei.progressbar.ConsoleProgressBarConsumer;
import me.tongfei.progressbar.ProgressBar;
import me.tongfei.progressbar.ProgressBarBuilder;
import me.tongfei.progressbar.ProgressBarStyle;
import org.retention4j.checkpoint.LoadOptions;
import picocli.CommandLine.Help.Ansi;

/** A bar on the terminal while tensors come or go; nothing where there is no terminal. */
public final class LoadBar implements LoadOptions.Progress, AutoCloseable {
  private static final long SMALL = 20_000_000;

  private final ProgressBar bar;

  /**
   * Begins.
   *
   * @param parameters about how many numbers there are; small models load without a bar
   */
  public LoadBar(String task, long parameters) {
    boolean shown = Ansi.AUTO.enabled() && parameters > SMALL;
    bar =
        shown
            ? new ProgressBarBuilder()
                .setTaskName(task)
                .setInitialMax(-1)
                .setUnit(" MB", 1_000_000)
                .setStyle(ProgressBarStyle.ASCII)
                .setConsumer(new ConsoleProgressBarConsumer(System.err, 100))
                .clearDisplayOnFinish()
                .build()
            : null;
  }

  @Override
  public void loaded(String tensor, long bytes) {
    if (bar != null) {
      bar.stepBy(bytes);
      bar.setExtraMessage(tensor);
    }
  }

  @Override
  public void close() {
    if (bar != null) {
      bar.close();
    }
  }
}

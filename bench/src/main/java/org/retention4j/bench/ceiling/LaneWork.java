package org.retention4j.bench.ceiling;

import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Lanes;

/** Work in parts that the lanes of an engine take. */
final class LaneWork implements BareWork {
  private final Engine engine;
  private final String name;
  private final double amount;
  private final int parts;
  private final Lanes.Task task;
  private final Lanes.Task alone;
  private final boolean worksAlone;
  private final Runnable close;

  LaneWork(
      Engine engine,
      String name,
      double amount,
      int parts,
      Lanes.Task task,
      boolean worksAlone,
      Runnable close) {
    this.engine = engine;
    this.name = name;
    this.amount = amount;
    this.parts = parts;
    this.task = task;
    this.worksAlone = worksAlone;
    this.close = close;
    // Wrapped into one part, all of it stays on the caller.
    alone =
        (lane, ignored) -> {
          for (int i = 0; i < parts; i++) {
            task.run(lane, i);
          }
        };
  }

  @Override
  public String name() {
    return name;
  }

  @Override
  public double amount() {
    return amount;
  }

  @Override
  public void run(boolean allThreads) {
    if (allThreads) {
      engine.run(parts, task);
    } else {
      engine.run(1, alone);
    }
  }

  @Override
  public boolean worksAlone() {
    return worksAlone;
  }

  @Override
  public void close() {
    close.run();
  }
}

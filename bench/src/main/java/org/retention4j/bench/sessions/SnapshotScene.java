package org.retention4j.bench.sessions;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.channels.FileChannel;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardOpenOption;
import java.util.List;
import org.retention4j.bench.measure.Contender;
import org.retention4j.bench.measure.Sampler;
import org.retention4j.bench.measure.Samples;
import org.retention4j.bench.report.Format;
import org.retention4j.bench.report.Workload;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.RestoreOptions;
import org.retention4j.model.SaveOptions;
import org.retention4j.model.Session;

/** A session to a file and back beside a bare copy of that file, and what a mark costs. */
final class SnapshotScene {
  private static final int TOKENS = 37; // some of them pending
  private static final int FOLD = 16;

  private final SessionEffort effort;
  private final SessionRows rows;

  SnapshotScene(SessionEffort effort, SessionRows rows) {
    this.effort = effort;
    this.rows = rows;
  }

  void run(LanguageModel model) {
    Path folder = null;
    try {
      folder = Files.createTempDirectory("retention-bench");
      try (Session session = model.newSession()) {
        for (int i = 0; i < TOKENS; i++) {
          session.step(i);
        }
        files(model, session, folder);
        marks(session);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    } finally {
      delete(folder);
    }
  }

  private void files(LanguageModel model, Session session, Path folder) throws IOException {
    Path file = folder.resolve("session");
    Path other = folder.resolve("copy");
    write(session, file);
    rows.same("logits of a session that was read from its file", difference(model, session, file));
    List<Samples> samples =
        Sampler.measure(
            List.of(
                new Contender("copy", () -> delete(other), () -> copy(file, other)),
                new Contender("save", () -> delete(other), () -> write(session, other)),
                new Contender("read", () -> read(model, file).close()),
                new Contender(
                    "save to a path", () -> delete(other), () -> writeThrough(session, other))),
            effort.plan());
    String size = Format.bytes((double) Files.size(file));
    Samples copy = samples.get(0);
    rows.time("copy of a file of " + size, Workload.NONE, copy, 0, "FileChannel.transferTo");
    String to = "of the copy's speed";
    rows.ratio(
        "save",
        Workload.NONE,
        samples.get(1),
        0,
        SessionRows.ratio(copy, samples.get(1)),
        to,
        size);
    rows.ratio(
        "read",
        Workload.NONE,
        samples.get(2),
        0,
        SessionRows.ratio(copy, samples.get(2)),
        to,
        size);
    rows.time("save to a path", Workload.NONE, samples.get(3), 0, "waits for the disk");
  }

  private static double difference(LanguageModel model, Session session, Path file) {
    float[] own = new float[model.config().vocabulary()];
    float[] other = new float[own.length];
    double largest = 0;
    try (Session here = session.fork();
        Session there = read(model, file)) {
      for (int token = 0; token < FOLD; token++) {
        here.step(token);
        there.step(token);
        here.logits(0, own);
        there.logits(0, other);
        for (int i = 0; i < own.length; i++) {
          largest = Math.max(largest, Math.abs(own[i] - other[i]));
        }
      }
    }
    return largest;
  }

  /** A step is a step; a mark beside it costs little until states are folded, then a copy of S. */
  private void marks(Session session) {
    Session.Mark[] mark = new Session.Mark[1];
    List<Samples> samples =
        Sampler.measure(
            List.of(
                new Contender("steps", () -> steps(session)),
                new Contender("mark", () -> session.mark().close()),
                new Contender(
                    "steps from a mark",
                    () -> mark[0] = session.mark(),
                    () -> {
                      steps(session);
                      session.rollback(mark[0]);
                      mark[0].close();
                    })),
            effort.plan());
    Workload work = Workload.NONE.generate(FOLD, null);
    rows.time("a fold's window of steps", work, samples.get(0), FOLD, null);
    rows.ratio(
        "mark and close",
        Workload.NONE,
        samples.get(1),
        0,
        SessionRows.ratio(samples.get(1), samples.get(0)),
        "of the steps' time",
        null);
    rows.ratio(
        "a fold's window of steps behind a mark, rolled back",
        work,
        samples.get(2),
        FOLD,
        SessionRows.ratio(samples.get(2), samples.get(0)),
        "of the steps' time",
        null);
  }

  private static void steps(Session session) {
    for (int i = 0; i < FOLD; i++) {
      session.step(i);
    }
  }

  private static void copy(Path from, Path to) {
    try (FileChannel source = FileChannel.open(from);
        FileChannel target = open(to)) {
      long done = 0;
      while (done < source.size()) {
        done += source.transferTo(done, source.size() - done, target);
      }
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static FileChannel open(Path file) throws IOException {
    return FileChannel.open(
        file,
        StandardOpenOption.CREATE,
        StandardOpenOption.WRITE,
        StandardOpenOption.TRUNCATE_EXISTING);
  }

  private static void write(Session session, Path file) {
    try (FileChannel channel = open(file)) {
      session.save(channel, SaveOptions.DEFAULT);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void writeThrough(Session session, Path file) {
    try {
      session.save(file);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static Session read(LanguageModel model, Path file) {
    try (FileChannel channel = FileChannel.open(file)) {
      return model.restore(channel, RestoreOptions.DEFAULT);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }

  private static void delete(Path path) {
    if (path == null || !Files.exists(path)) {
      return;
    }
    try {
      if (Files.isDirectory(path)) {
        try (var all = Files.list(path)) {
          all.forEach(SnapshotScene::delete);
        }
      }
      Files.delete(path);
    } catch (IOException e) {
      throw new UncheckedIOException(e);
    }
  }
}

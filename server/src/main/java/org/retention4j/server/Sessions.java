package org.retention4j.server;

import java.io.IOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.time.Duration;
import java.util.Collection;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.concurrent.ConcurrentSkipListMap;
import java.util.concurrent.Executors;
import java.util.concurrent.ScheduledExecutorService;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.atomic.LongAdder;
import java.util.function.Function;
import java.util.function.Supplier;
import org.retention4j.args.Shown;
import org.retention4j.model.LanguageModel;
import org.retention4j.model.RestoreOptions;
import org.retention4j.model.SaveOptions;
import org.retention4j.model.Session;
import org.retention4j.model.SessionOptions;
import org.retention4j.model.Snapshot;
import org.retention4j.snapshot.SnapshotException;

/** All named sessions: in memory as far as there is room, and in a folder if there is one. */
final class Sessions implements AutoCloseable {
  private static final System.Logger LOG = System.getLogger(RetentionServer.class.getName());
  private static final long LOOK_MILLIS = 250;
  private static final long END_SECONDS = 30;

  private final LanguageModel model;
  private final SessionOptions options;
  private final ServerLimits limits;
  private final Optional<SessionFolder> folder;
  private final Duration saveEvery;
  private final Duration idle;
  private final SessionMemory memory;

  /** Names that differ only in case are one file on some disks: there is but one of them. */
  private final Map<String, StoredSession> all =
      new ConcurrentSkipListMap<>(String.CASE_INSENSITIVE_ORDER);

  private final LongAdder saves = new LongAdder();
  private final LongAdder failures = new LongAdder();
  private final ScheduledExecutorService clock =
      Executors.newSingleThreadScheduledExecutor(
          task -> {
            Thread thread = new Thread(task, "retention-sessions");
            thread.setDaemon(true);
            return thread;
          });

  Sessions(LanguageModel model, ServerOptions options, Optional<SessionFolder> folder) {
    this.model = model;
    this.options = options.batch().session();
    limits = options.limits();
    this.folder = folder;
    saveEvery = options.saveEvery();
    idle = options.idle();
    memory =
        new SessionMemory(
            model, this.options, limits.sessionBytes(), all.values(), this::tryUnload);
    folder.ifPresent(
        f -> f.names().forEach(n -> all.put(n, StoredSession.inFile(n, f.position(n)))));
    clock.scheduleWithFixedDelay(this::look, LOOK_MILLIS, LOOK_MILLIS, TimeUnit.MILLISECONDS);
  }

  SessionMemory memory() {
    return memory;
  }

  /** Begins one that has seen nothing. */
  StoredSession create(String name) {
    return add(
        SessionFolder.checkName(name),
        memory.bytesAt(0),
        new int[0],
        () -> {
          try (Session empty = model.newSession(1, options)) {
            return empty.snapshot(0);
          }
        });
  }

  /** Takes the name and the memory, and only then makes the state. */
  private StoredSession add(String name, long bytes, int[] tokens, Supplier<Snapshot> make) {
    StoredSession session = StoredSession.fresh(name);
    session.lock.lock();
    boolean taken = false;
    try {
      synchronized (all) {
        requireFree(name);
        all.put(name, session);
        taken = true;
      }
      memory.reserve(session, bytes);
      Snapshot state = make.get();
      session.change(state, tokens, memory.bytes(state, tokens));
      return session;
    } finally {
      if (taken && session.state() == null) {
        all.remove(name);
        session.end();
      }
      session.release();
      session.lock.unlock();
    }
  }

  private void requireFree(String name) {
    folder.ifPresent(f -> f.file(name)); // refuses what is there and no file
    if (all.containsKey(name) || folder.map(f -> f.has(name)).orElse(false)) {
      throw new HttpFailure(
          HttpFailure.CONFLICT,
          "session_exists",
          "expected a name that no session has, got " + name);
    }
    if (all.size() >= limits.sessions()) {
      throw new HttpFailure(
          HttpFailure.TOO_MANY,
          "too_many_sessions",
          "expected fewer than " + limits.sessions() + " sessions, got " + all.size());
    }
  }

  Collection<StoredSession> list() {
    return all.values();
  }

  StoredSession get(String name) {
    StoredSession session = all.get(SessionFolder.checkName(name));
    if (session == null || !session.name().equals(name)) {
      throw missing(name);
    }
    return session;
  }

  private static HttpFailure missing(String name) {
    return new HttpFailure(
        HttpFailure.NOT_FOUND, "session_not_found", "expected the name of a session, got " + name);
  }

  /** Does something with a session that nobody else uses meanwhile. */
  <T> T with(String name, Function<StoredSession, T> work) {
    StoredSession session = get(name);
    if (!session.take()) {
      throw new HttpFailure(
          HttpFailure.CONFLICT,
          "session_busy",
          "expected a session that no other request uses, got " + name + ", which is busy");
    }
    try {
      if (session.gone()) {
        throw missing(name);
      }
      session.used();
      return work.apply(session);
    } finally {
      session.release();
      session.lock.unlock();
    }
  }

  /** Brings a session's state into memory. */
  Snapshot load(StoredSession session) {
    if (session.state() == null) {
      read(session);
    }
    return session.state();
  }

  private void read(StoredSession session) {
    Path file = requireFolder().existing(session.name());
    long most = limits.sessionBytes();
    RestoreOptions how =
        RestoreOptions.DEFAULT.withSession(options).withMostBytes(most).withMostRows(1);
    Snapshot state;
    try {
      long size = Files.size(file); // about what it takes in memory
      if (size <= most) {
        memory.reserve(session, size);
      }
      state = model.readSnapshot(file, how);
    } catch (SnapshotException e) {
      throw new HttpFailure(
          HttpFailure.CONFLICT,
          "snapshot_" + Shown.name(e.reason()).toLowerCase(java.util.Locale.ROOT),
          "the session " + session.name() + " cannot be restored: " + e.getMessage());
    } catch (IOException e) {
      throw HttpFailure.storage("read", session.name(), e);
    }
    boolean done = false;
    try {
      int[] tokens = state.tokens().isEmpty() ? null : state.tokens().get(0);
      long bytes = memory.bytes(state, tokens);
      memory.reserve(session, bytes);
      session.load(state, tokens, bytes);
      done = true;
    } finally {
      if (!done) {
        state.close();
      }
    }
  }

  private SessionFolder requireFolder() {
    return folder.orElseThrow(
        () ->
            new HttpFailure(
                HttpFailure.CONFLICT,
                "no_session_folder",
                "expected a server with a folder for sessions (--sessions), got one without"));
  }

  /** Writes a session that is in memory, unless it is on the disk already. */
  private void save(StoredSession session) {
    boolean there = requireFolder().position(session.name()) == session.position();
    if (session.state() != null && (session.dirty() || !session.everSaved() || !there)) {
      write(session);
    }
  }

  /**
   * Saves one for a client who relies on it: its file is written, or, where the session is not in
   * memory, read to its last byte.
   */
  void saveNow(StoredSession session) {
    if (session.state() == null) {
      read(session);
    } else {
      write(session);
    }
  }

  /** Writes a session; once this returns it is on the disk, whole. */
  private void write(StoredSession session) {
    session.triedToSave();
    Path file = requireFolder().file(session.name());
    SaveOptions how = SaveOptions.DEFAULT.withOwnerOnly();
    if (session.tokens() != null) {
      how = how.withTokens(List.of(session.tokens()));
    }
    try {
      session.state().save(file, how);
      session.saved();
      saves.increment();
    } catch (IOException e) {
      failures.increment();
      throw HttpFailure.storage("write", session.name(), e);
    }
  }

  /** Goes back to what was saved last. */
  void restore(StoredSession session) {
    requireFolder().file(session.name());
    if (!session.everSaved() && !requireFolder().has(session.name())) {
      throw new HttpFailure(
          HttpFailure.CONFLICT,
          "never_saved",
          "expected a session that was saved, got " + session.name() + ", which never was");
    }
    read(session);
  }

  /** Makes another that goes on from where this one stands. */
  StoredSession fork(StoredSession session, String name) {
    SessionFolder.checkName(name);
    Snapshot from = load(session);
    return add(
        name,
        session.bytes(),
        session.tokens(),
        () -> {
          try (Session copy = model.restore(from, options)) {
            return copy.snapshot(0);
          }
        });
  }

  void delete(StoredSession session) {
    if (folder.isPresent()) {
      try {
        folder.get().delete(session.name());
      } catch (IOException e) {
        throw HttpFailure.storage("delete", session.name(), e);
      }
    }
    all.remove(session.name());
    session.end();
  }

  private void tryUnload(StoredSession session) {
    if (folder.isEmpty() || session.lock.isHeldByCurrentThread() || !session.lock.tryLock()) {
      return;
    }
    try {
      session.saving(true);
      save(session);
      session.unload();
    } catch (HttpFailure e) {
      warn(e);
    } finally {
      session.saving(false);
      session.lock.unlock();
    }
  }

  private static void warn(Throwable e) {
    LOG.log(System.Logger.Level.WARNING, e.getMessage());
  }

  long bytes() {
    return memory.bytes();
  }

  long loaded() {
    return all.values().stream().filter(session -> session.bytes() > 0).count();
  }

  long saves() {
    return saves.sum();
  }

  long failures() {
    return failures.sum();
  }

  /** Saves what has changed for long enough, and lets go of what is not used. */
  private void look() {
    if (folder.isEmpty()) {
      return;
    }
    for (StoredSession session : all.values()) {
      boolean rests = session.bytes() > 0 && session.unusedNanos() >= idle.toNanos();
      boolean due = session.dirty() && session.unsavedNanos() >= saveEvery.toNanos();
      if ((rests || due) && session.lock.tryLock()) {
        try {
          session.saving(true);
          save(session);
          if (rests) {
            session.unload();
          }
        } catch (RuntimeException | OutOfMemoryError e) {
          session.used(); // not again at once
          warn(e);
        } finally {
          session.saving(false);
          session.lock.unlock();
        }
      }
    }
  }

  /** Saves all that has changed, where there is a folder, and ends. */
  @Override
  public void close() {
    clock.shutdown();
    try {
      clock.awaitTermination(1, TimeUnit.MINUTES);
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
    }
    all.values().forEach(this::end);
    folder.ifPresent(SessionFolder::close);
  }

  private void end(StoredSession session) {
    try {
      if (!session.lock.tryLock(END_SECONDS, TimeUnit.SECONDS)) {
        LOG.log(
            System.Logger.Level.WARNING,
            "the session {0} is still in use: what has changed since its last save is lost",
            session.name());
        return;
      }
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return;
    }
    try {
      if (folder.isPresent() && session.dirty()) {
        save(session);
      }
    } catch (RuntimeException | OutOfMemoryError e) {
      warn(e);
    } finally {
      session.end();
      session.lock.unlock();
    }
  }
}

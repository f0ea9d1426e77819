package org.retention4j.model;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.Arrays;
import java.util.List;
import java.util.function.Consumer;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.CacheType;
import org.retention4j.model.mixer.KvCacheOptions;
import org.retention4j.snapshot.Fingerprint;
import org.retention4j.snapshot.SnapshotHeader;
import org.retention4j.snapshot.SnapshotReader;

/**
 * Sequences of a model as they were at a moment, in memory and independent of the session: to be
 * put into others of the same model, any number of times, or to be saved. With retention layers its
 * size does not depend on how much was read.
 *
 * <p>May be read by many threads once it is made. Closing twice does no harm; use after close is an
 * {@link IllegalStateException}.
 *
 * @since 0.1
 */
public final class Snapshot implements AutoCloseable {
  private final LanguageModel model;
  private final KvCacheOptions cache;
  private final SequenceStates states;
  private final LastLogits logits;
  private final List<int[]> tokens;
  private boolean closed;

  private Snapshot(
      LanguageModel model,
      KvCacheOptions cache,
      SequenceStates states,
      LastLogits logits,
      List<int[]> tokens) {
    this.model = model;
    this.cache = cache;
    this.states = states;
    this.logits = logits;
    this.tokens = tokens;
  }

  /** Takes states over, and logits as something says. */
  static Snapshot of(
      LanguageModel model, KvCacheOptions cache, SequenceStates states, Consumer<LastLogits> copy) {
    LastLogits seen = new LastLogits(model.engine(), states.batch(), model.config().vocabulary());
    copy.accept(seen);
    return new Snapshot(model, cache, states, seen, List.of());
  }

  /** Reads one of a model into fresh memory; what is there already stays as it is. */
  static Snapshot read(
      LanguageModel model, ReadableByteChannel from, long length, RestoreOptions options)
      throws IOException {
    SnapshotReader reader = new SnapshotReader(from, length, options.mostBytes());
    reader.require(SnapshotHeader.SESSION, model.fingerprint());
    int vocabulary = model.config().vocabulary();
    SequenceStates states = SnapshotSections.readStates(reader, model.layers(), options);
    LastLogits logits = null;
    boolean done = false;
    try {
      logits = new LastLogits(model.engine(), states.batch(), vocabulary);
      SnapshotSections.next(reader, SnapshotSections.LOGITS, 0);
      logits.read(reader);
      List<int[]> tokens = SnapshotSections.readTokens(reader, vocabulary);
      reader.finish();
      done = true;
      return new Snapshot(model, options.session().cache(), states, logits, tokens);
    } finally {
      if (!done) {
        states.close();
        if (logits != null) {
          logits.close();
        }
      }
    }
  }

  /** Returns the fingerprint of the model. */
  public Fingerprint fingerprint() {
    return model.fingerprint();
  }

  /** Returns the number of sequences. */
  public int rows() {
    return states.batch();
  }

  /** Returns the number of tokens a row has seen since its sequence began. */
  public long position(int row) {
    requireOpen();
    return states.position(row);
  }

  /**
   * Returns the tokens of each row, from the first on, if they were kept; empty if not. They are
   * not to be changed.
   */
  public List<int[]> tokens() {
    return tokens;
  }

  /** Returns the bytes held. */
  public long bytes() {
    requireOpen();
    return states.bytes();
  }

  /**
   * Writes it to a file, which appears whole, in the place of one that is there.
   *
   * @throws IOException if it cannot be written; what was there before stays then
   */
  public void save(Path path) throws IOException {
    save(path, SaveOptions.DEFAULT.withTokens(tokens));
  }

  /**
   * Writes it to a file with other options.
   *
   * @throws IOException if it cannot be written; what was there before stays then
   */
  public void save(Path path, SaveOptions options) throws IOException {
    requireOpen();
    SnapshotFiles.write(path, options, channel -> save(channel, options));
  }

  /** Writes it to a channel, which stays the caller's. */
  public void save(WritableByteChannel to, SaveOptions options) throws IOException {
    requireOpen();
    write(model, to, new SnapshotSections.Contents(states, logits, states.allRows(), options));
  }

  static void write(LanguageModel model, WritableByteChannel to, SnapshotSections.Contents contents)
      throws IOException {
    Engine engine = model.engine();
    SnapshotSections.write(to, SnapshotHeader.SESSION, model.fingerprint(), engine, contents);
  }

  /** Returns this one, if sessions of a model may go on from here. */
  Snapshot of(LanguageModel other) {
    requireOpen();
    if (other != model) {
      throw new IllegalArgumentException(
          "expected a snapshot of this model, got one that was read for another: save it and read"
              + " it again");
    }
    return this;
  }

  /** The same, if caches of such options are those that are held. */
  Snapshot of(LanguageModel other, KvCacheOptions asked) {
    boolean grows =
        model.config().layers().stream().anyMatch(layer -> layer.mixer().cacheElements(1) > 0);
    if (grows && (asked.maxTokens() != cache.maxTokens() || !type(asked).equals(type(cache)))) {
      throw new IllegalArgumentException(
          "expected options with caches as those of the snapshot, " + cache + ", got " + asked);
    }
    return of(other);
  }

  private CacheType type(KvCacheOptions of) {
    return of.cacheType().orElse(CacheType.of(model.engine().type()));
  }

  SequenceStates states() {
    return states;
  }

  LastLogits logits() {
    return logits;
  }

  /**
   * Closes it, and overwrites before that what it holds; what a session shares with it is
   * overwritten when that is closed.
   */
  public void closeAndWipe() {
    if (!closed) {
      states.wipe();
      logits.wipe();
      tokens.forEach(row -> Arrays.fill(row, 0));
      close();
    }
  }

  private void requireOpen() {
    if (closed) {
      throw new IllegalStateException("this snapshot is closed");
    }
  }

  @Override
  public void close() {
    if (!closed) {
      closed = true;
      states.close();
      logits.close();
    }
  }
}

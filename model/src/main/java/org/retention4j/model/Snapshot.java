package org.retention4j.model;

import java.io.IOException;
import java.nio.channels.ReadableByteChannel;
import java.nio.channels.WritableByteChannel;
import java.nio.file.Path;
import java.util.List;
import java.util.function.Consumer;
import org.retention4j.engine.Engine;
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
  private final SequenceStates states;
  private final LastLogits logits;
  private final List<int[]> tokens;
  private boolean closed;

  Snapshot(LanguageModel model, SequenceStates states, LastLogits logits, List<int[]> tokens) {
    this.model = model;
    this.states = states;
    this.logits = logits;
    this.tokens = tokens;
  }

  /** Takes states over, and logits as something says. */
  static Snapshot of(LanguageModel model, SequenceStates states, Consumer<LastLogits> copy) {
    LastLogits seen = new LastLogits(model.engine(), states.batch(), model.config().vocabulary());
    copy.accept(seen);
    return new Snapshot(model, states, seen, List.of());
  }

  /** Reads one of a model into fresh memory; what is there already stays as it is. */
  static Snapshot read(
      LanguageModel model, ReadableByteChannel from, long length, RestoreOptions options)
      throws IOException {
    SnapshotReader reader = new SnapshotReader(from, length, options.mostBytes());
    reader.require(SnapshotHeader.SESSION, model.fingerprint());
    int vocabulary = model.config().vocabulary();
    SequenceStates states =
        SnapshotSections.readStates(reader, model.layers(), options.session().cache());
    LastLogits logits = null;
    boolean done = false;
    try {
      logits = new LastLogits(model.engine(), states.batch(), vocabulary);
      SnapshotSections.next(reader, SnapshotSections.LOGITS, 0);
      logits.read(reader);
      List<int[]> tokens = SnapshotSections.readTokens(reader, vocabulary);
      reader.finish();
      done = true;
      return new Snapshot(model, states, logits, tokens);
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

  /** Writes it to a file, which appears whole, in the place of one that is there. */
  public void save(Path path) throws IOException {
    save(path, SaveOptions.DEFAULT.withTokens(tokens));
  }

  /** Writes it to a file with other options. */
  public void save(Path path, SaveOptions options) throws IOException {
    requireOpen();
    SnapshotFiles.write(path, channel -> save(channel, options));
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

  /** Returns the model, whose sessions may go on from here. */
  LanguageModel model() {
    requireOpen();
    return model;
  }

  SequenceStates states() {
    return states;
  }

  LastLogits logits() {
    return logits;
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

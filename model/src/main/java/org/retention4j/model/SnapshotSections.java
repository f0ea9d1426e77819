package org.retention4j.model;

import java.io.IOException;
import java.nio.channels.WritableByteChannel;
import java.util.ArrayList;
import java.util.List;
import java.util.Map;
import java.util.Optional;
import java.util.Set;
import java.util.TreeMap;
import org.retention4j.engine.Engine;
import org.retention4j.model.mixer.MixerState;
import org.retention4j.model.mixer.TokenMixer;
import org.retention4j.model.stack.DecoderLayer;
import org.retention4j.snapshot.Fingerprint;
import org.retention4j.snapshot.NumberType;
import org.retention4j.snapshot.SnapshotException;
import org.retention4j.snapshot.SnapshotException.Reason;
import org.retention4j.snapshot.SnapshotHeader;
import org.retention4j.snapshot.SnapshotReader;
import org.retention4j.snapshot.SnapshotSection;
import org.retention4j.snapshot.SnapshotWriter;

/**
 * What sessions leave behind as sections of a snapshot: one for each layer, by its mixer, in their
 * order, and behind it the same folded where that is asked for. Then LOGT, of language models: the
 * type's ordinal and the vocabulary; for each row 1 if it has logits or 0; the logits of those that
 * have. Then TOKN, where tokens are kept: their number for each row, and then each of them, 8
 * bytes.
 */
final class SnapshotSections {
  static final String LOGITS = "LOGT";
  static final String TOKENS = "TOKN";

  private SnapshotSections() {}

  /** What is written: logits are null of frames. */
  record Contents(SequenceStates states, LastLogits logits, int[] rows, SaveOptions options) {
    NumberType type(Engine engine) {
      return options.type().orElse(NumberType.of(engine.type()));
    }
  }

  static void write(
      WritableByteChannel to, String kind, Fingerprint model, Engine engine, Contents contents)
      throws IOException {
    NumberType type = contents.type(engine);
    MixerState[] layers = contents.states().layers();
    List<SnapshotSection> sections = new ArrayList<>();
    for (int i = 0; i < layers.length; i++) {
      sections.add(layers[i].section(i, type, contents.rows()));
      folded(contents, i, type).ifPresent(sections::add);
    }
    if (contents.logits() != null) {
      sections.add(contents.logits().section(type, contents.rows()));
    }
    List<int[]> tokens = checked(contents);
    if (!tokens.isEmpty()) {
      long count = tokens.stream().mapToLong(row -> 1L + row.length).sum();
      sections.add(new SnapshotSection(TOKENS, 0, false, Long.BYTES * count));
    }
    SnapshotHeader header =
        new SnapshotHeader(
            kind, model, positions(contents), information(engine, contents), sections);
    SnapshotWriter writer = new SnapshotWriter(to, header);
    for (int i = 0; i < layers.length; i++) {
      layers[i].write(writer.begin(), type, contents.rows());
      if (folded(contents, i, type).isPresent()) {
        layers[i].writeFolded(writer.begin(), type, contents.rows());
      }
    }
    if (contents.logits() != null) {
      contents.logits().write(writer.begin(), type, contents.rows());
    }
    if (!tokens.isEmpty()) {
      writer.begin();
      for (int[] row : tokens) {
        writer.put(row.length);
      }
      for (int[] row : tokens) {
        for (int token : row) {
          writer.put(token);
        }
      }
    }
    writer.finish();
  }

  private static Optional<SnapshotSection> folded(Contents contents, int layer, NumberType type) {
    return contents.options().folded()
        ? contents.states().layers()[layer].foldedSection(layer, type, contents.rows())
        : Optional.empty();
  }

  private static List<Long> positions(Contents contents) {
    List<Long> positions = new ArrayList<>();
    for (int row : contents.rows()) {
      positions.add(contents.states().position(row));
    }
    return positions;
  }

  private static Map<String, String> information(Engine engine, Contents contents) {
    Map<String, String> all = new TreeMap<>(contents.options().information());
    all.putIfAbsent("route", engine.route().name());
    all.putIfAbsent("type", engine.type().name());
    return all;
  }

  /** Returns the tokens, of which each row has as many as it saw. */
  private static List<int[]> checked(Contents contents) {
    List<int[]> tokens = contents.options().tokens();
    if (tokens.isEmpty()) {
      return tokens;
    }
    if (tokens.size() != contents.rows().length) {
      throw new IllegalArgumentException(
          "expected tokens of " + contents.rows().length + " rows, got " + tokens.size());
    }
    for (int i = 0; i < tokens.size(); i++) {
      long position = contents.states().position(contents.rows()[i]);
      if (tokens.get(i).length != position) {
        throw new IllegalArgumentException(
            "expected the " + position + " tokens of row " + i + ", got " + tokens.get(i).length);
      }
    }
    return tokens;
  }

  /** Reads a state of each layer into fresh memory. */
  static SequenceStates readStates(
      SnapshotReader from, List<DecoderLayer> layers, RestoreOptions options) throws IOException {
    if (from.header().rows() > options.mostRows()) {
      throw new SnapshotException(
          Reason.TOO_LARGE,
          "expected a snapshot of at most "
              + options.mostRows()
              + " rows, got one of "
              + from.header().rows());
    }
    List<MixerState> states = new ArrayList<>();
    boolean done = false;
    try {
      for (int i = 0; i < layers.size(); i++) {
        TokenMixer mixer = layers.get(i).mixer();
        next(from, mixer.sectionTag(), i);
        states.add(mixer.read(from, options.session().cache()));
      }
      done = true;
      return SequenceStates.of(states, from.header().rows());
    } finally {
      if (!done) {
        states.forEach(MixerState::close);
      }
    }
  }

  /** Begins a section that must be there. */
  static void next(SnapshotReader from, String tag, int index) throws IOException {
    SnapshotSection section = from.next(Set.of(tag));
    if (section == null || section.index() != index) {
      throw new SnapshotException(
          Reason.OTHER_KIND,
          "expected a section "
              + tag
              + " "
              + index
              + ", got "
              + (section == null ? "none" : section.describe()));
    }
  }

  /** Reads tokens where they were kept; empty where not. */
  static List<int[]> readTokens(SnapshotReader from, int vocabulary) throws IOException {
    if (from.next(Set.of(TOKENS)) == null) {
      return List.of();
    }
    List<int[]> tokens = new ArrayList<>();
    long[] counts = new long[from.header().rows()];
    for (int row = 0; row < counts.length; row++) {
      long position = from.header().positions().get(row);
      counts[row] = from.getLong("tokens", position, position);
    }
    for (long count : counts) {
      if (count > from.left() / Long.BYTES) {
        throw new SnapshotException(Reason.DAMAGED, "expected fewer tokens, got " + count);
      }
      int[] row = new int[(int) count];
      for (int i = 0; i < row.length; i++) {
        row[i] = (int) from.getLong("a token", 0, vocabulary - 1L);
      }
      tokens.add(row);
    }
    return tokens;
  }
}

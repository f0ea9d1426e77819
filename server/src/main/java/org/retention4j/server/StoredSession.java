package org.retention4j.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.concurrent.locks.ReentrantLock;
import org.retention4j.model.Snapshot;

/**
 * A named session: where it stands, in memory or only in its file. Changed by who has its lock;
 * figures may be read by others.
 */
final class StoredSession {
  private static final long NEVER = -1;

  final ReentrantLock lock = new ReentrantLock();
  private final String name;
  private Snapshot state;
  private int[] tokens;
  private boolean gone;
  private volatile long position;
  private volatile long savedPosition;
  private volatile long bytes;
  private volatile boolean dirty;
  private volatile boolean saving;
  private volatile long lastUsed = System.nanoTime();
  private volatile long lastSaved = System.nanoTime();

  private StoredSession(String name, long position, long savedPosition) {
    this.name = name;
    this.position = position;
    this.savedPosition = savedPosition;
  }

  /** One that lies in a file. */
  static StoredSession inFile(String name, long position) {
    return new StoredSession(name, position, position);
  }

  /** One that nothing is saved of yet. */
  static StoredSession fresh(String name, Snapshot state, int[] tokens) {
    StoredSession session = new StoredSession(name, state.position(0), NEVER);
    session.change(state, tokens);
    return session;
  }

  String name() {
    return name;
  }

  /** Returns the state; null while it is only in its file. */
  Snapshot state() {
    return state;
  }

  /** Returns what was read, from the first token on; null where that was not kept. */
  int[] tokens() {
    return tokens;
  }

  /** Takes a state that is newer than what is saved. */
  void change(Snapshot newState, int[] newTokens) {
    hold(newState, newTokens);
    dirty = true;
  }

  /** Takes the state that is saved. */
  void load(Snapshot newState, int[] newTokens) {
    hold(newState, newTokens);
    savedPosition = position;
    dirty = false;
  }

  private void hold(Snapshot newState, int[] newTokens) {
    Snapshot old = state;
    state = newState;
    tokens = newTokens;
    position = newState.position(0);
    bytes = newState.bytes() + (newTokens == null ? 0 : (long) newTokens.length * Integer.BYTES);
    if (old != null && old != newState) {
      old.close();
    }
    used();
  }

  /** Returns the tokens that lie behind some more. */
  int[] with(int[] prompt, int[] more) {
    if (tokens == null) {
      return null;
    }
    int[] all = Arrays.copyOf(tokens, tokens.length + prompt.length + more.length);
    System.arraycopy(prompt, 0, all, tokens.length, prompt.length);
    System.arraycopy(more, 0, all, tokens.length + prompt.length, more.length);
    return all;
  }

  void saved() {
    savedPosition = position;
    lastSaved = System.nanoTime();
    dirty = false;
  }

  /** Leaves the memory; what is not saved is lost. */
  void unload() {
    if (state != null) {
      state.close();
      state = null;
      tokens = null;
      bytes = 0;
    }
  }

  /** Ends it. */
  void end() {
    unload();
    gone = true;
  }

  boolean gone() {
    return gone;
  }

  void used() {
    lastUsed = System.nanoTime();
  }

  /** Puts the next attempt to save it off. */
  void triedToSave() {
    lastSaved = System.nanoTime();
  }

  /** Notes whether who has the lock only saves it. */
  void saving(boolean value) {
    saving = value;
  }

  boolean saving() {
    return saving;
  }

  boolean dirty() {
    return dirty;
  }

  boolean everSaved() {
    return savedPosition != NEVER;
  }

  long position() {
    return position;
  }

  long bytes() {
    return bytes;
  }

  long unusedNanos() {
    return System.nanoTime() - lastUsed;
  }

  long unsavedNanos() {
    return System.nanoTime() - lastSaved;
  }

  ObjectNode json() {
    ObjectNode json = JsonNodeFactory.instance.objectNode();
    json.put("object", "session");
    json.put("name", name);
    if (position >= 0) {
      json.put("position", position);
    } else {
      json.putNull("position"); // its file cannot be read
    }
    if (everSaved()) {
      json.put("saved_position", savedPosition);
    } else {
      json.putNull("saved_position");
    }
    json.put("unsaved_changes", dirty);
    json.put("bytes_in_memory", bytes);
    return json;
  }
}

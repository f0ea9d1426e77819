package org.retention4j.server;

import com.fasterxml.jackson.databind.node.JsonNodeFactory;
import com.fasterxml.jackson.databind.node.ObjectNode;
import java.util.Arrays;
import java.util.concurrent.TimeUnit;
import java.util.concurrent.locks.ReentrantLock;
import org.retention4j.model.Snapshot;

/**
 * A named session: where it stands, in memory or only in its file. Changed by who has its lock;
 * figures may be read by others.
 */
final class StoredSession {
  private static final long NEVER = -1;
  private static final long GAP_MILLIS = 250;

  final ReentrantLock lock = new ReentrantLock();
  private final String name;
  private Snapshot state;
  private int[] tokens;
  private boolean gone;
  private volatile long position;
  private volatile long savedPosition;
  private volatile long bytes;
  private volatile long reserved;
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

  /** One that is to get a state, and of which nothing is saved. */
  static StoredSession fresh(String name) {
    return new StoredSession(name, 0, NEVER);
  }

  /**
   * Takes its lock, and waits for it while it is only being saved, or is about to be free: an
   * answer may be read before the request that it belongs to has given its session back.
   */
  boolean take() {
    try {
      boolean again;
      do {
        again = saving;
        if (lock.tryLock(GAP_MILLIS, TimeUnit.MILLISECONDS)) {
          return true;
        }
      } while (again || saving);
      return false;
    } catch (InterruptedException e) {
      Thread.currentThread().interrupt();
      return false;
    }
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
  void change(Snapshot newState, int[] newTokens, long newBytes) {
    hold(newState, newTokens, newBytes);
    dirty = true;
  }

  /** Takes the state that is saved. */
  void load(Snapshot newState, int[] newTokens, long newBytes) {
    hold(newState, newTokens, newBytes);
    savedPosition = position;
    dirty = false;
  }

  private void hold(Snapshot newState, int[] newTokens, long newBytes) {
    Snapshot old = state;
    state = newState;
    tokens = newTokens;
    position = newState.position(0);
    bytes = newBytes;
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

  /** Lets it take so many bytes until it is released. */
  void reserve(long value) {
    reserved = value;
  }

  /** Gives up what was reserved and not taken. */
  void release() {
    reserved = 0;
  }

  /** Returns the bytes that are its own, taken or not. */
  long held() {
    return Math.max(bytes, reserved);
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

package org.retention4j.internal.lanes;

import java.util.Arrays;
import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Function;
import org.retention4j.engine.ops.Lane;
import org.retention4j.engine.ops.Lanes;

/** What was prepared for each lane, by key. */
public final class PerLane {
  private final Map<Object, Object[]> prepared = new ConcurrentHashMap<>();

  /** Returns what is kept for a key, made first where there is none; see {@link Lanes#perLane}. */
  @SuppressWarnings("unchecked")
  public <T> T[] get(Lanes lanes, Lane[] all, Object key, Function<Lane, T> make, T[] empty) {
    Object[] kept = prepared.get(key);
    if (kept == null) {
      // Under no lock: a form may do here what it likes.
      Object[] made = Arrays.copyOf(empty, all.length);
      for (int i = 0; i < all.length; i++) {
        Lane lane = all[i];
        made[i] = lanes.withOneThread(() -> make.apply(lane));
      }
      Object[] other = prepared.putIfAbsent(key, made);
      kept = other == null ? made : other;
    }
    return (T[]) kept;
  }

  /** Forgets everything. */
  public void clear() {
    prepared.clear();
  }
}

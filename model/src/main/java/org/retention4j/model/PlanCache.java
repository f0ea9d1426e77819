package org.retention4j.model;

import java.util.Iterator;
import java.util.LinkedHashMap;
import java.util.Map;
import java.util.function.Consumer;
import java.util.function.Function;
import java.util.function.ToLongFunction;

/**
 * Plans that all sessions of a model share: those used last stay. Used under the engine's lock
 * only.
 *
 * @param <K> what a plan is made for
 * @param <P> a plan
 */
final class PlanCache<K, P> {
  /** Plans kept for reuse, each of a batch size and a micro-batch: so many at most. */
  private static final int KEPT = 16;

  /** What they may hold beside the one in use: a large model's for prompts go while it decodes. */
  private static final long KEPT_BYTES = 32L << 20;

  private final Function<K, P> make;
  private final ToLongFunction<P> bytes;
  private final Consumer<P> end;
  private final Map<K, P> plans = new LinkedHashMap<>(16, 0.75f, true);
  private P lastUsed;

  /**
   * Begins with none.
   *
   * @param make makes a plan
   * @param bytes tells what one holds
   * @param end gives one up
   */
  PlanCache(Function<K, P> make, ToLongFunction<P> bytes, Consumer<P> end) {
    this.make = make;
    this.bytes = bytes;
    this.end = end;
  }

  P plan(K key) {
    P plan = plans.get(key);
    if (plan == null) {
      forget(null, KEPT - 1);
      plan = make.apply(key);
      plans.put(key, plan);
    } else if (plan != lastUsed) {
      forget(plan, KEPT);
    }
    lastUsed = plan;
    return plan;
  }

  /** Ends the plans that were not used for longest until few enough are left beside one. */
  private void forget(P used, int count) {
    long held = 0;
    for (P plan : plans.values()) {
      held += plan == used ? 0 : bytes.applyAsLong(plan);
    }
    Iterator<P> eldest = plans.values().iterator();
    while (eldest.hasNext() && (plans.size() > count || held > KEPT_BYTES)) {
      P plan = eldest.next();
      if (plan != used) {
        held -= bytes.applyAsLong(plan);
        end.accept(plan);
        eldest.remove();
      }
    }
  }

  /** Ends all of them. */
  void clear() {
    plans.values().forEach(end);
    plans.clear();
    lastUsed = null;
  }
}

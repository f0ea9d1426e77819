package org.retention4j.forms;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.retention4j.engine.ElementType;
import org.retention4j.engine.Engine;
import org.retention4j.engine.Provider;

/** Engines that suites share; they live as long as the JVM. */
public final class Engines {
  private static final Map<String, Engine> ENGINES = new ConcurrentHashMap<>();

  private Engines() {}

  /** Returns an engine on two threads. */
  public static Engine of(ElementType type, Provider provider) {
    return ENGINES.computeIfAbsent(type + " " + provider, name -> Engine.create(type, 2, provider));
  }

  /** Returns the float64 engine. */
  public static Engine float64() {
    return of(ElementType.FLOAT64, Provider.PLAIN);
  }

  /** Returns the fp32 engine with plain Java kernels. */
  public static Engine plain() {
    return of(ElementType.FLOAT32, Provider.PLAIN);
  }

  /** Returns the fp32 engine with Vector API kernels. */
  public static Engine vector() {
    return of(ElementType.FLOAT32, Provider.VECTOR);
  }
}

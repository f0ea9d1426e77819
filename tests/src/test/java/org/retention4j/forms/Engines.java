package org.retention4j.forms;

import java.util.Map;
import java.util.concurrent.ConcurrentHashMap;
import org.nd4j.linalg.api.buffer.DataType;
import org.nd4j.linalg.api.ndarray.INDArray;
import org.retention4j.engine.ComputeRoute;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.ElementType;

/** Engines that suites share; they live as long as the JVM. */
public final class Engines {
  private static final Map<String, Engine> ENGINES = new ConcurrentHashMap<>();

  private Engines() {}

  /** Returns an engine on two threads. */
  public static Engine of(ElementType type, ComputeRoute route) {
    return ENGINES.computeIfAbsent(type + " " + route, name -> Engine.create(type, 2, route));
  }

  /** Returns the float64 engine. */
  public static Engine float64() {
    return of(ElementType.FLOAT64, ComputeRoute.PLAIN);
  }

  /** Returns the fp32 engine with plain Java kernels. */
  public static Engine plain() {
    return of(ElementType.FLOAT32, ComputeRoute.PLAIN);
  }

  /** Returns the fp32 engine with Vector API kernels. */
  public static Engine vector() {
    return of(ElementType.FLOAT32, ComputeRoute.VECTOR);
  }

  /** Returns an engine of a type: the plain one for fp32. */
  public static Engine of(ElementType type) {
    return type == ElementType.FLOAT32 ? plain() : float64();
  }

  /** Returns an engine for arrays like this one. */
  public static Engine of(INDArray array) {
    return array.dataType() == DataType.FLOAT ? plain() : float64();
  }
}

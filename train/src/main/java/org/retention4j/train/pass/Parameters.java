package org.retention4j.train.pass;

import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.engine.Engine;
import org.retention4j.engine.ops.Buffers;
import org.retention4j.engine.ops.PackedMatrix;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.nn.WeightSource;
import org.retention4j.nn.WeightSpec;

/** All parameters of a model by name, and a source of weights as they are now. */
public final class Parameters implements WeightSource {
  private final Engine engine;
  private final Buffers owner;
  private final Map<String, Parameter> all = new LinkedHashMap<>();

  /** Makes an empty set whose tiles an owner owns. */
  public Parameters(Engine engine, Buffers owner) {
    this.engine = engine;
    this.owner = owner;
  }

  /** Makes a parameter of zeros for each weight of a part. */
  public void add(String prefix, List<WeightSpec> weights) {
    for (WeightSpec weight : weights) {
      String name = prefix + weight.name();
      if (all.put(name, Parameter.of(engine, owner, name, weight)) != null) {
        throw new IllegalArgumentException("expected names of their own, got " + name + " twice");
      }
    }
  }

  /** Returns one by its name in the model. */
  public Parameter get(String name) {
    Parameter parameter = all.get(name);
    if (parameter == null) {
      throw new IllegalArgumentException(
          "expected the name of a parameter among " + all.keySet() + ", got " + name);
    }
    return parameter;
  }

  /** Returns one by its name in the model, or null. */
  public Parameter find(String name) {
    return all.get(name);
  }

  /** Returns all, in the order of the model. */
  public List<Parameter> list() {
    return new ArrayList<>(all.values());
  }

  @Override
  public Engine engine() {
    return engine;
  }

  @Override
  public PackedMatrix matrix(WeightSpec weight) {
    WeightType type =
        engine.type() == org.retention4j.engine.ops.ElementType.FLOAT64
            ? WeightType.FLOAT64
            : WeightType.FLOAT32;
    return engine.pack(get(weight.name()).source(), type);
  }

  @Override
  public double[] vector(WeightSpec weight) {
    return get(weight.name()).vector().clone();
  }
}

package org.retention4j.engine;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.List;
import java.util.Locale;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
import java.util.function.Supplier;
import java.util.stream.Stream;
import org.retention4j.engine.ops.ElementType;
import org.retention4j.engine.ops.Lanes;
import org.retention4j.engine.ops.MatrixSource;
import org.retention4j.engine.ops.WeightType;
import org.retention4j.internal.float64.Fp64Format;
import org.retention4j.internal.linear.PackedWeights;
import org.retention4j.internal.linear.WeightFormat;
import org.retention4j.internal.linear.onednn.OneDnnCapabilities;
import org.retention4j.internal.linear.onednn.OneDnnFormat;
import org.retention4j.internal.linear.vector.VectorFormats;

/**
 * Where an engine's weights live and who multiplies them: the first format of their type that does
 * not refuse them. Each choice is logged once, with the reasons of those before it.
 */
final class WeightFormats {
  private static final Logger LOGGER = System.getLogger(WeightFormats.class.getName());
  private static final Set<String> SAID = ConcurrentHashMap.newKeySet();

  private final ElementType type;
  private final ComputeRoute route;
  private final List<WeightFormat> formats;

  /**
   * Lists the formats of an engine.
   *
   * @param route of its element-wise work
   */
  WeightFormats(ElementType type, ComputeRoute route) {
    this.type = type;
    this.route = route;
    formats = list(type, route);
  }

  /**
   * Returns all formats there are, in the order in which they are asked: a new one is a line here,
   * and what types an engine takes follows.
   */
  private static List<WeightFormat> list(ElementType type, ComputeRoute route) {
    if (type == ElementType.FLOAT64) {
      return Stream.of(WeightType.values()).<WeightFormat>map(Fp64Format::new).toList();
    }
    return List.of(
        ofVectors(route, WeightType.BFLOAT16, () -> VectorFormats.bf16()),
        ofVectors(route, WeightType.INT8, () -> VectorFormats.int8()),
        new OneDnnFormat(WeightType.FLOAT32),
        new OneDnnFormat(WeightType.BFLOAT16),
        new OneDnnFormat(WeightType.INT8));
  }

  /**
   * Makes no format before the module is known to be there: without it there are no such classes.
   */
  private static WeightFormat ofVectors(
      ComputeRoute route, WeightType type, Supplier<WeightFormat> format) {
    if (!ComputeRoute.VECTOR.available()) {
      return new Closed(type, "the module jdk.incubator.vector is absent");
    }
    return route == ComputeRoute.VECTOR
        ? format.get()
        : new Closed(type, "the engine's route is " + route);
  }

  /** Stands for a format of the Vector API in an engine that does not use it. */
  private record Closed(WeightType type, String reason) implements WeightFormat {
    @Override
    public String description() {
      return "Vector API, on the heap";
    }

    @Override
    public Optional<String> refuses(long outputs, long inputs) {
      return Optional.of(reason);
    }

    @Override
    public PackedWeights pack(Lanes lanes, MatrixSource source) {
      throw new IllegalStateException(reason);
    }

    @Override
    public long bytes(long outputs, long inputs) {
      throw new IllegalStateException(reason);
    }
  }

  /** Returns all formats, in the order in which they are asked. */
  List<WeightFormat> all() {
    return formats;
  }

  /**
   * Packs weights in the first format that takes them.
   *
   * @throws IllegalArgumentException if there is none of their type
   */
  PackedWeights pack(Lanes lanes, MatrixSource source, WeightType weightType) {
    StringBuilder passedOver = new StringBuilder();
    for (WeightFormat format : of(weightType)) {
      Optional<String> refusal =
          format.refuses(source.rows(), source.columns()).or(format::unsuited);
      if (refusal.isEmpty()) {
        say(weightType + " weights: " + format.description() + passedOver);
        return format.pack(lanes, source);
      }
      passedOver.append("; not ").append(format.description()).append(": ").append(refusal.get());
    }
    throw new IllegalStateException("no format takes " + weightType + " weights" + passedOver);
  }

  /**
   * Returns the bytes that weights take in an engine of a type with the best route; loads nothing
   * native.
   *
   * @throws IllegalArgumentException if there is no format of their type
   */
  static long bytes(ElementType type, WeightType weightType, long outputs, long inputs) {
    ComputeRoute best = ComputeRoute.VECTOR.available() ? ComputeRoute.VECTOR : ComputeRoute.PLAIN;
    return new WeightFormats(type, best)
        .of(weightType).stream()
            .filter(format -> format.refuses(outputs, inputs).isEmpty())
            .findFirst()
            .orElseThrow()
            .bytes(outputs, inputs);
  }

  /** Returns the formats of a type of weights, in the order in which they are asked. */
  private List<WeightFormat> of(WeightType weightType) {
    List<WeightFormat> found = formats.stream().filter(f -> f.type() == weightType).toList();
    if (found.isEmpty()) {
      throw new IllegalArgumentException(
          String.format(
              Locale.ROOT,
              "expected weights in a type of the %s engine, one of %s, got %s",
              type,
              formats.stream().map(WeightFormat::type).distinct().sorted().toList(),
              weightType));
    }
    return found;
  }

  private static void say(String choice) {
    if (SAID.add(choice)) {
      LOGGER.log(Level.INFO, choice);
    }
  }

  /** Returns whether products may round their rows to bf16, see {@link Engine}. */
  boolean multipliesBfloat16() {
    if (type != ElementType.FLOAT32) {
      return false;
    }
    return route == ComputeRoute.VECTOR && VectorFormats.wideEnough()
        ? VectorFormats.multipliesBfloat16()
        : OneDnnCapabilities.bfloat16();
  }
}

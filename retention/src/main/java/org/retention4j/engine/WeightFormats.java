package org.retention4j.engine;

import java.lang.System.Logger;
import java.lang.System.Logger.Level;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import java.util.Set;
import java.util.concurrent.ConcurrentHashMap;
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

  private final List<WeightFormat> formats = new ArrayList<>();
  private final boolean vectors;
  private final ElementType type;

  /**
   * Lists the formats of an engine.
   *
   * @param vectors whether the Vector API may multiply; its module is there then
   */
  WeightFormats(ElementType type, boolean vectors) {
    this.type = type;
    this.vectors = vectors && type == ElementType.FLOAT32;
    if (this.vectors) {
      // Not before the module is known to be there: without it there are no such classes.
      formats.addAll(VectorFormats.all());
    }
    for (WeightType each : WeightType.values()) {
      if (type == ElementType.FLOAT64) {
        formats.add(new Fp64Format(each));
      } else if (each != WeightType.FLOAT64) {
        formats.add(new OneDnnFormat(each));
      }
    }
  }

  /** Returns all formats, in the order in which they are asked. */
  List<WeightFormat> all() {
    return List.copyOf(formats);
  }

  /**
   * Packs weights in the first format that takes them.
   *
   * @throws IllegalArgumentException if there is none of their type
   */
  PackedWeights pack(Lanes lanes, MatrixSource source, WeightType weightType) {
    return choose(weightType, source.rows(), source.columns()).pack(lanes, source);
  }

  /** Returns the bytes that weights take in an engine of a type; loads nothing native. */
  static long bytes(ElementType type, WeightType weightType, long outputs, long inputs) {
    WeightFormat format =
        type == ElementType.FLOAT64 ? new Fp64Format(weightType) : new OneDnnFormat(weightType);
    return format.bytes(outputs, inputs);
  }

  private WeightFormat choose(WeightType weightType, int outputs, int inputs) {
    StringBuilder reasons = new StringBuilder();
    for (WeightFormat format : formats) {
      if (format.type() != weightType) {
        continue;
      }
      Optional<String> refusal = format.refuses(outputs, inputs);
      if (refusal.isEmpty()) {
        say(weightType + " weights: " + format.description() + reasons);
        return format;
      }
      reasons.append("; not ").append(format.description()).append(": ").append(refusal.get());
    }
    throw new IllegalArgumentException(
        "expected weight type FLOAT32, BFLOAT16 or INT8 in the fp32 engine, got " + weightType);
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
    return vectors && VectorFormats.wideEnough()
        ? VectorFormats.multipliesBfloat16()
        : OneDnnCapabilities.bfloat16();
  }
}

package org.retention4j.cli;

import java.util.Locale;
import org.retention4j.checkpoint.format.DType;
import picocli.CommandLine.ITypeConverter;
import picocli.CommandLine.TypeConversionException;

/** The names of weights' types in files, f32 or fp32 and so on. */
final class DTypeConverter implements ITypeConverter<DType> {
  @Override
  public DType convert(String name) {
    return switch (name.toLowerCase(Locale.ROOT)) {
      case "f64", "fp64" -> DType.F64;
      case "f32", "fp32" -> DType.F32;
      case "f16", "fp16" -> DType.F16;
      case "bf16" -> DType.BF16;
      // What is expected; the rest of the message is the same for all options.
      default -> throw new TypeConversionException("f64, f32, f16 or bf16");
    };
  }
}

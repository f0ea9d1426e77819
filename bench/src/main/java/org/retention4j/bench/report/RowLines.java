package org.retention4j.bench.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Collectors;

/** Rows as JSON, one object a line, every field in every line. */
public final class RowLines {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  private RowLines() {}

  /** Returns a row as one line of JSON. */
  public static String line(Object row) {
    try {
      return MAPPER.writeValueAsString(row);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns all rows, a line each. */
  public static String lines(List<Row> rows) {
    return rows.stream().map(RowLines::line).collect(Collectors.joining("\n", "", "\n"));
  }
}

package org.retention4j.bench.report;

import com.fasterxml.jackson.core.JsonProcessingException;
import com.fasterxml.jackson.databind.DeserializationFeature;
import com.fasterxml.jackson.databind.JsonNode;
import com.fasterxml.jackson.databind.ObjectMapper;
import com.fasterxml.jackson.databind.ObjectReader;
import com.fasterxml.jackson.databind.PropertyNamingStrategies;
import com.fasterxml.jackson.databind.json.JsonMapper;
import java.io.UncheckedIOException;
import java.util.List;
import java.util.stream.Collectors;

/** Rows as JSON, one object a line, every field in every line. */
public final class RowLines {
  private static final ObjectMapper MAPPER =
      JsonMapper.builder().propertyNamingStrategy(PropertyNamingStrategies.SNAKE_CASE).build();

  /** A row's parts stand side by side, and rows of earlier versions have other fields. */
  private static final ObjectReader READER =
      MAPPER
          .reader()
          .without(DeserializationFeature.FAIL_ON_UNKNOWN_PROPERTIES)
          .with(DeserializationFeature.FAIL_ON_NULL_FOR_PRIMITIVES);

  private RowLines() {}

  /** Returns a row as one line of JSON. */
  public static String line(Object row) {
    try {
      return MAPPER.writeValueAsString(row);
    } catch (JsonProcessingException e) {
      throw new UncheckedIOException(e);
    }
  }

  /** Returns a line of JSON as it was read. */
  static JsonNode tree(String line) throws JsonProcessingException {
    return MAPPER.readTree(line);
  }

  /** Returns a part of a row, whose fields may stand among others. */
  static <T> T read(JsonNode node, Class<T> type) throws JsonProcessingException {
    return READER.treeToValue(node, type);
  }

  /** Returns a row of one line; its parts stand side by side there. */
  static Row row(JsonNode node, Machine machine) throws JsonProcessingException {
    return new Row(
        read(node.get("kind"), Row.Kind.class),
        text(node, "scope"),
        text(node, "what"),
        read(node, Workload.class),
        read(node, Timing.class),
        read(node, Cost.class),
        text(node, "note"),
        machine);
  }

  private static String text(JsonNode node, String name) {
    return node.path(name).isNull() ? null : node.path(name).asText();
  }

  /** Returns all rows, a line each. */
  public static String lines(List<Row> rows) {
    return rows.stream().map(RowLines::line).collect(Collectors.joining("\n", "", "\n"));
  }
}

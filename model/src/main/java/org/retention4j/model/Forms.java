package org.retention4j.model;

import java.util.Collections;
import java.util.LinkedHashMap;
import java.util.Map;
import org.retention4j.chunkwise.ChunkwiseForm;
import org.retention4j.core.form.RetentionForm;
import org.retention4j.parallel.ParallelForm;
import org.retention4j.recurrent.RecurrentForm;

/**
 * The three forms of retention by their names.
 *
 * @since 0.1
 */
public final class Forms {
  private Forms() {}

  /** Returns them with their usual block and chunk: parallel, recurrent, chunkwise. */
  public static Map<String, RetentionForm> all() {
    return all(ChunkwiseForm.DEFAULT_CHUNK);
  }

  /**
   * Returns them, the chunkwise one with chunks of so many tokens.
   *
   * @param chunk at least 1
   */
  public static Map<String, RetentionForm> all(int chunk) {
    Map<String, RetentionForm> forms = new LinkedHashMap<>();
    add(forms, new ParallelForm());
    add(forms, new RecurrentForm());
    add(forms, new ChunkwiseForm(chunk));
    return Collections.unmodifiableMap(forms);
  }

  private static void add(Map<String, RetentionForm> forms, RetentionForm form) {
    forms.put(form.name(), form);
  }
}

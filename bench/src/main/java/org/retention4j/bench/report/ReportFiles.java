package org.retention4j.bench.report;

import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;
import java.nio.file.StandardCopyOption;
import java.util.ArrayList;
import java.util.LinkedHashMap;
import java.util.List;
import java.util.Map;
import org.retention4j.args.Shown;

/** The folder of a report. Files appear in it whole or not at all. */
public final class ReportFiles {
  private final Path folder;
  private final List<Path> created;

  private ReportFiles(Path folder, List<Path> created) {
    this.folder = folder;
    this.created = created;
  }

  /**
   * Makes the folder and checks that files can be made in it.
   *
   * @throws IllegalArgumentException if not; no folder that was made on the way stays
   */
  public static ReportFiles in(Path folder) {
    List<Path> created = new ArrayList<>();
    try {
      make(folder.toAbsolutePath().normalize(), created);
      Files.delete(Files.createTempFile(folder, "probe", ".tmp"));
      return new ReportFiles(folder, created);
    } catch (IOException e) {
      removeEmpty(created);
      throw new IllegalArgumentException(
          "expected a folder that reports can be written to, got "
              + folder
              + ": "
              + Shown.reason(e),
          e);
    }
  }

  private static void make(Path folder, List<Path> created) throws IOException {
    if (Files.isDirectory(folder)) {
      return;
    }
    if (folder.getParent() != null) {
      make(folder.getParent(), created);
    }
    Files.createDirectory(folder);
    created.add(0, folder);
  }

  private static void removeEmpty(List<Path> folders) {
    for (Path folder : folders) {
      try {
        Files.deleteIfExists(folder);
      } catch (IOException e) {
        // Somebody put something there; it is theirs.
        return;
      }
    }
  }

  /** Removes the folders that this made, for a run that ends without a report. */
  public void abandon() {
    removeEmpty(created);
  }

  /**
   * Writes rows.jsonl, report.md and report.html.
   *
   * @return the path of report.html
   * @throws UncheckedIOException if a file cannot be written; none is left half-written
   */
  public Path write(Report report) {
    Map<String, String> files = new LinkedHashMap<>();
    files.put("rows.jsonl", RowLines.lines(report.results().rows()));
    files.put("report.md", report.markdown());
    files.put("report.html", HtmlReport.page(report));
    write(files);
    return folder.resolve("report.html");
  }

  /**
   * Writes files.
   *
   * @param files their contents by name
   * @throws UncheckedIOException if a file cannot be written; none is left half-written
   */
  public void write(Map<String, String> files) {
    Map<Path, Path> moves = new LinkedHashMap<>();
    try {
      for (Map.Entry<String, String> file : files.entrySet()) {
        Path whole = folder.resolve(file.getKey());
        Path part = folder.resolve(file.getKey() + ".part");
        moves.put(part, whole);
        Files.writeString(part, file.getValue());
      }
      for (Map.Entry<Path, Path> move : moves.entrySet()) {
        Files.move(move.getKey(), move.getValue(), StandardCopyOption.REPLACE_EXISTING);
      }
    } catch (IOException e) {
      for (Path part : moves.keySet()) {
        try {
          Files.deleteIfExists(part);
        } catch (IOException again) {
          e.addSuppressed(again);
        }
      }
      throw new UncheckedIOException(
          "cannot write the report to " + folder + ": " + Shown.reason(e), e);
    }
  }

  /** Returns where a file of this folder lies. */
  public Path resolve(String name) {
    return folder.resolve(name);
  }
}

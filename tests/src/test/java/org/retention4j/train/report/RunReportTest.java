package org.retention4j.train.report;

import static org.assertj.core.api.Assertions.assertThat;
import static org.assertj.core.api.Assertions.assertThatThrownBy;

import java.io.IOException;
import java.io.StringReader;
import java.nio.charset.StandardCharsets;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.List;
import java.util.Locale;
import java.util.regex.Matcher;
import java.util.regex.Pattern;
import javax.xml.parsers.DocumentBuilderFactory;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.checkpoint.format.CheckpointException;
import org.xml.sax.InputSource;

class RunReportTest {
  private static final String LADDER =
      "{\"ladder\":[{\"order\":0,\"bpb\":4.43},{\"order\":1,\"bpb\":3.54},{\"order\":5,\"bpb\":2.046},"
          + "{\"order\":6,\"bpb\":2.047}],\"entropy\":1.25}\n";

  @TempDir Path folder;

  @Test
  void aRunIsShownWhole() throws Exception {
    StringBuilder log = new StringBuilder(LADDER);
    for (int step = 1; step <= 5000; step++) {
      log.append(training(step, 2 + 6.0 / step, step == 2500 ? 77 : 0.5));
      if (step % 1000 == 0) {
        log.append(evaluation(step, 2.1 + 1.0 / step));
      }
    }
    String page = page(log.toString());
    assertThat(page)
        .contains("<title>Training run " + folder.getFileName() + "</title>")
        .contains("5000 steps, 10.24 M tokens in 8 min of steps; the last step 2.001 bits per byte")
        .contains("On held-out text 2.100 bits per byte after step 5000, the least so far.")
        .contains("N-grams reach 2.046 bits per byte at best, with 5 bytes of context.")
        .contains("The entropy of the text is 1.250 bits per byte.")
        .contains("Gradients were clipped in 0.0 % of steps.")
        .contains("<td>5</td><td>2.046</td>")
        .doesNotContain("could not")
        .doesNotContain("<h2>Options")
        .doesNotContain("NaN");
    assertThat(count(page, "<svg ")).isEqualTo(4);
    assertThat(count(page, "class=\"rung\"")).isEqualTo(4);
    assertThat(page).contains(">order 5 2.046<").as("no room").doesNotContain(">order 6 2.047<");
    assertThat(page).contains("held out: 2.101 at 2.048 M");
    assertThat(page.length()).isLessThan(100_000);
  }

  /** Neither a script nor anything from elsewhere, and a browser need not guess. */
  @Test
  void aPageNeedsNothingElse() throws Exception {
    String page = page(LADDER + training(1, 8, 1) + evaluation(1, 7));
    assertThat(page)
        .doesNotContain("http")
        .doesNotContain("<script")
        .doesNotContain("url(")
        .doesNotContain("src=");
    isWellFormed(page);
  }

  /** HTML's elements without an end are the doctype and two metas; the rest is XML too. */
  private static void isWellFormed(String page) throws Exception {
    String xml = page.replace("<!DOCTYPE html>\n", "").replaceAll("(<meta [^>]*)>", "$1/>");
    DocumentBuilderFactory.newInstance()
        .newDocumentBuilder()
        .parse(new InputSource(new StringReader(xml)));
  }

  @Test
  void anEmptyLogIsAPageThatSaysSo() throws Exception {
    for (String empty : List.of("", "\n\n", "{\"ste")) {
      String page = page(empty);
      assertThat(page).contains("No step so far.").doesNotContain("NaN");
      isWellFormed(page);
    }
  }

  @Test
  void oneStepIsADot() throws Exception {
    String page = page(training(1, 7.9, 3));
    assertThat(page)
        .contains("1 step, 2048 tokens in 0.1 s of steps; the last step 7.900 bits per byte.")
        .contains("training: 7.9 at 2048");
    assertThat(pixels(page)).hasSizeGreaterThan(4).allMatch(at -> at >= 0 && at <= 720);
    isWellFormed(page);
  }

  private static List<Double> pixels(String page) {
    Matcher m = Pattern.compile(" c[xy]=\"([^\"]+)\"").matcher(page);
    return m.results().map(found -> Double.valueOf(found.group(1))).toList();
  }

  /** A killed run: half a line, and half a character. */
  @Test
  void aTornLastLineIsPassedOver() throws Exception {
    String whole = training(1, 7.9, 3) + training(2, 7.0, 3);
    Files.writeString(folder.resolve("train.jsonl"), whole + "{\"step\":3,\"tokens\":6144,\"lo");
    assertThat(RunReport.page(folder))
        .contains("2 steps,")
        .contains("Of the log 1 line could not be read.");
    byte[] cut = (whole + "{\"sample\":\"\u00e9").getBytes(StandardCharsets.UTF_8);
    Files.write(folder.resolve("train.jsonl"), java.util.Arrays.copyOf(cut, cut.length - 1));
    assertThat(RunReport.page(folder))
        .contains("2 steps,")
        .contains("Of the log 1 line could not be read.");
  }

  @Test
  void stepsThatWereGivenUpAreForgotten() throws Exception {
    String page =
        page(
            training(1, 7, 1)
                + training(2, 6, 1)
                + evaluation(2, 1.5)
                + training(3, 5, 1)
                + evaluation(3, 1.25)
                + training(2, 6.5, 1)
                + evaluation(2, 6.25));
    assertThat(page)
        .contains("2 steps, 4096 tokens in 0.2 s of steps; the last step 6.500")
        .contains("On held-out text 6.250 bits per byte after step 2, the least so far.")
        .doesNotContain("1.25");
  }

  @Test
  void whatWasBestBeforeIsNamed() throws Exception {
    assertThat(page(evaluation(10, 2.5) + evaluation(20, 2.75)))
        .contains("2.750 bits per byte after step 20; the least was 2.500 after step 10.");
  }

  /** A loss that is no number, a norm of 0, lines that lack keys or have others. */
  @Test
  void whatCannotBeDrawnIsAGap() throws Exception {
    String page =
        page(
            training(1, 7, 1)
                + training(2, Double.NaN, 0)
                + training(3, Double.POSITIVE_INFINITY, Double.POSITIVE_INFINITY)
                + "{\"step\":4,\"tokens\":8192,\"loss\":null}\n"
                + "{\"step\":\"five\"}\n[1]\n7\n\"x\"\n{\"sample\":\"Once\"}\n"
                + training(6, 5, 1));
    assertThat(page).contains("6 steps").doesNotContain("could not");
    assertThat(page).doesNotContainPattern("[\" ](NaN|Infinity)");
    isWellFormed(page);
  }

  @Test
  void optionsAreShownAndNothingOfThemIsMarkup() throws Exception {
    Files.writeString(
        folder.resolve("trainer.json"),
        "{\"rate\":0.001,\"data\":{\"file\":\"<script>alert('&\\\"')</script>\",\"sha\":[1,2]}}");
    String page = page(training(1, 7, 1));
    assertThat(page)
        .contains("<td>rate</td><td>0.001</td>")
        .contains("<td>data.file</td><td>&lt;script&gt;alert(&#39;&amp;&quot;&#39;)&lt;/script&gt;")
        .contains("<td>data.sha</td><td>[1,2]</td>")
        .doesNotContain("<script");
    isWellFormed(page);
  }

  @Test
  void optionsThatCannotBeReadDoNotKeepTheRestBack() throws Exception {
    Files.writeString(folder.resolve("trainer.json"), "{");
    assertThat(page(training(1, 7, 1))).contains("expected JSON in").contains("1 step,");
  }

  @Test
  void pageIsWrittenAndReplaced() throws Exception {
    Files.writeString(folder.resolve("train.jsonl"), training(1, 7, 1));
    Path page = RunReport.write(folder);
    assertThat(page).isEqualTo(folder.resolve("report.html")).content().contains("1 step,");
    Files.writeString(folder.resolve("train.jsonl"), training(1, 7, 1) + training(2, 7, 1));
    RunReport.write(folder);
    assertThat(page).content().contains("2 steps,").isEqualTo(RunReport.page(folder));
    try (var files = Files.list(folder)) {
      assertThat(files).hasSize(2);
    }
  }

  @Test
  void aFolderWithoutALogIsRefused() {
    assertThatThrownBy(() -> RunReport.write(folder))
        .isInstanceOf(CheckpointException.class)
        .hasMessage(
            "cannot read " + folder.resolve("train.jsonl") + ": there is no such file or folder");
    assertThat(folder).isEmptyDirectory();
  }

  @Test
  void numbersAreShort() {
    assertThat(List.of(0.0, 1.0, 1234.0, 10240.0, 2_500_000.0, 3e9, 0.003, 2e-5, 0.30000000004))
        .extracting(Axis::label)
        .containsExactly("0", "1", "1234", "10.24 k", "2.5 M", "3 G", "0.003", "2e-5", "0.3");
    assertThat(List.of(-1.5, 1e-10, 1.25e-4))
        .extracting(Axis::label)
        .containsExactly("-1.5", "1e-10", "1.25e-4");
  }

  /** Round values inside the axis, few enough to be read, whatever the range. */
  @Test
  void axesHaveAFewTicks() {
    for (double most : new double[] {1e-9, 0.003, 1, 1.7, 4.9, 9.99, 1000, 3e7, 6e11}) {
      Axis even = Axis.of(new double[] {0, most}, false, true, 0, 100);
      assertThat(even.ticks()).hasSizeBetween(3, 11).allMatch(even::shows);
      for (double ratio : new double[] {1, 1.001, 2, 9, 11, 500, 1e6, 1e9}) {
        Axis logarithmic = Axis.of(new double[] {most, most / ratio, -1, 0}, true, true, 0, 100);
        assertThat(logarithmic.ticks()).hasSizeBetween(3, 12).allMatch(logarithmic::shows);
      }
    }
  }

  private String page(String log) throws IOException {
    Files.writeString(folder.resolve("train.jsonl"), log);
    return RunReport.page(folder);
  }

  private static int count(String text, String part) {
    return text.split(Pattern.quote(part), -1).length - 1;
  }

  private static String training(int step, double bpb, double norm) {
    return String.format(
        Locale.ROOT,
        "{\"step\":%d,\"tokens\":%d,\"loss\":%s,\"bpb\":%s,\"lr\":0.001,\"norm\":%s,"
            + "\"clipped\":false,\"tokensPerSecond\":20480,\"ms\":100}%n",
        step,
        2048L * step,
        bpb * Math.log(2),
        bpb,
        norm);
  }

  private static String evaluation(int step, double bpb) {
    return String.format(
        Locale.ROOT,
        "{\"step\":%d,\"tokens\":%d,\"evaluation\":true,\"bpb\":%s}%n",
        step,
        2048L * step,
        bpb);
  }
}

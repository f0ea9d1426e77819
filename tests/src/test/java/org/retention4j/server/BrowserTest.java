package org.retention4j.server;

import static org.assertj.core.api.Assertions.assertThat;
import static org.junit.jupiter.api.Assumptions.assumeTrue;

import java.io.IOException;
import java.nio.file.Path;
import java.util.Optional;
import org.junit.jupiter.api.AfterEach;
import org.junit.jupiter.api.BeforeEach;
import org.junit.jupiter.api.Test;
import org.junit.jupiter.api.io.CleanupMode;
import org.junit.jupiter.api.io.TempDir;
import org.retention4j.text.SamplingOptions;

/** The page in a real browser, with its rules of what a page may do, where there is one. */
class BrowserTest extends ServerFixture {
  private static final String PROMPT = "It is <b>a";

  @TempDir(cleanup = CleanupMode.ON_SUCCESS)
  Path folder;

  private Browser browser;

  @BeforeEach
  void openBrowser() throws Exception {
    Optional<Path> program = Browser.program();
    assumeTrue(program.isPresent(), "there is no Chromium on the path");
    browser = Browser.open(program.get(), folder);
  }

  @AfterEach
  void closeBrowser() {
    if (browser != null) {
      browser.close();
    }
  }

  private Client visit(ServerOptions options) throws Exception {
    int port = server(options).address().getPort();
    browser.go("http://127.0.0.1:" + port + "/");
    until("document.getElementById('model').textContent === 'tiny'");
    // How often the answer grew, as one sees it.
    browser.evaluate(
        "globalThis.grown = 0; new MutationObserver(() => grown++)"
            + ".observe(document.getElementById('out'), {childList: true, characterData: true})");
    return new Client(port);
  }

  private void until(String condition) throws Exception {
    long end = System.nanoTime() + 60_000_000_000L;
    while (!browser.evaluate(condition).asBoolean()) {
      assertThat(System.nanoTime()).as("%s; %s", condition, text("note")).isLessThan(end);
      Thread.sleep(10);
    }
  }

  private String text(String id) throws IOException, InterruptedException {
    return browser.evaluate("document.getElementById('" + id + "').textContent").asText();
  }

  private void ask(String tokens) throws Exception {
    browser.type("prompt", PROMPT);
    browser.type("max", tokens);
    browser.type("temperature", "0");
    browser.type("top", "");
    browser.click("go");
  }

  @Test
  void streamsWhatTheServerSays() throws Exception {
    visit(OPTIONS);
    ask("60");
    until("document.getElementById('note').textContent !== ''");
    assertThat(text("note")).isEqualTo("ended: length");
    String expected = alone(TOKENIZER.encode(PROMPT), 60, SamplingOptions.DEFAULT).text();
    assertThat(text("out")).isEqualTo(PROMPT + expected);
    assertThat(browser.evaluate("grown").asInt()).as("pieces seen").isGreaterThan(5);
    assertThat(browser.evaluate("document.querySelectorAll('#out b').length").asInt()).isOne();
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void stops() throws Exception {
    Client client = visit(OPTIONS);
    ask("4096");
    until("document.getElementById('out').textContent.length > 40");
    browser.click("stop");
    until("document.getElementById('note').textContent === 'stopped'");
    await("ended", () -> client.metric("retention_sequences{state=\"writing\"}") == 0);
    assertThat(browser.complaints()).isEmpty();
  }

  @Test
  void asksWithItsKey() throws Exception {
    visit(OPTIONS.withApiKey("secret"));
    ask("5");
    until("document.getElementById('note').textContent.startsWith('expected the header')");
    browser.type("key", "secret");
    browser.click("go");
    until("document.getElementById('note').textContent === 'ended: length'");
  }

  @Test
  void runsNothingElse() throws Exception {
    visit(OPTIONS);
    browser.evaluate(
        "(s => { s.textContent = 'globalThis.foreign = 1'; document.body.append(s); })"
            + "(document.createElement('script'))");
    assertThat(browser.evaluate("typeof foreign").asText()).isEqualTo("undefined");
    assertThat(browser.evaluate("fetch('http://localhost:1/').catch(e => 'refused')").asText())
        .isEqualTo("refused");
    assertThat(browser.complaints().toString()).contains("Content Security Policy");
  }
}

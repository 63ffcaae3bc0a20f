// What every walk needs: a browser, people with sessions of their own, and eyes that miss nothing:
// console errors, violations of the content security policy, axe-core, sideways scrolling.
import { readFileSync, mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { chromium } from "playwright-core";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const FLAGS = [
  "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync",
];

export const check = (held, words) => {
  if (!held) throw new Error(words);
};

export class Walk {
  constructor(browser, shots) {
    this.browser = browser;
    this.shots = shots;
    this.seen = [];
    this.pages = 0;
    this.steps = 0;
    mkdirSync(shots, { recursive: true });
  }

  static async start(shots) {
    const browser = await chromium.launch({ executablePath: "/usr/bin/chromium", args: FLAGS });
    return new Walk(browser, shots);
  }

  /// A person at a desk: a browser of their own.
  async person(name, options = {}) {
    const context = await this.browser.newContext({
      viewport: { width: 1280, height: 800 }, timezoneId: "Europe/Helsinki", locale: "en-GB",
      reducedMotion: "reduce", ...options,
    });
    context.setDefaultTimeout(20_000);
    const page = await context.newPage();
    const note = (words) => this.seen.push(`${name} at ${page.url()}: ${words}`);
    page.on("console", (message) => {
      // A form that was refused answers 4xx on purpose; everything else is a finding.
      const refused = /status of 4\d\d/.test(message.text());
      if (["error", "warning"].includes(message.type()) && !refused) note(message.text());
    });
    page.on("pageerror", (error) => note(error.message));
    page.on("response", (response) => {
      if (response.status() >= 500) note(`${response.status()} from ${response.url()}`);
    });
    page.on("request", (request) => {
      const url = new URL(request.url());
      if (!["127.0.0.1", "localhost"].includes(url.hostname) && url.protocol.startsWith("http")) {
        note(`asked for ${url.host}`);
      }
    });
    return page;
  }

  /// One step of a story, by name.
  async step(name, work) {
    const start = Date.now();
    try {
      const result = await work();
      this.steps += 1;
      console.log(`  held  ${name} (${Date.now() - start} ms)`);
      return result;
    } catch (error) {
      throw new Error(`${name}: ${error.message}`, { cause: error });
    }
  }

  /// axe-core and the page's own manners, at a width, in light or dark.
  async inspect(page, words) {
    this.pages += 1;
    // By evaluation through the debugging protocol, which a content security policy does not reach.
    await page.evaluate(axe);
    const found = await page.evaluate(async () => {
      const { violations } = await window.axe.run(document, {
        runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
      });
      return violations.map((one) => `${one.id}: ${one.nodes.map((node) => node.target + " " + node.failureSummary).slice(0, 3).join(" | ")}`);
    });
    check(found.length === 0, `axe-core on ${words} (${page.url()}): ${found.join("\n")}`);
    const wide = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
    check(wide <= 0, `${words} (${page.url()}) is ${wide} px wider than its window`);
  }

  /// The same page at both widths, in light and dark, and with text at twice its size.
  async inspectAll(page, words) {
    for (const [width, scheme] of [[1280, "light"], [1280, "dark"], [400, "light"], [400, "dark"]]) {
      await page.setViewportSize({ width, height: 800 });
      await page.emulateMedia({ colorScheme: scheme });
      await this.inspect(page, `${words} at ${width} px, ${scheme}`);
    }
    await page.emulateMedia({ colorScheme: "light" });
    await page.setViewportSize({ width: 1280, height: 800 });
    // 200 % of 1280 px is a window of 640 px with twice the pixels: what a browser's zoom does.
    await page.setViewportSize({ width: 640, height: 800 });
    await this.inspect(page, `${words} at 200 %`);
    await page.setViewportSize({ width: 1280, height: 800 });
  }

  async shoot(page, name, options = {}) {
    await page.screenshot({ path: `${this.shots}/${name}.png`, animations: "disabled", ...options });
  }

  async end() {
    await this.browser.close();
    check(this.seen.length === 0, `browsers complained:\n${this.seen.join("\n")}`);
    console.log(`browser: ${this.steps} steps held, ${this.pages} inspections without a finding`);
  }
}

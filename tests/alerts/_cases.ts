/**
 * The cases of an alert in time, as promtool reads them: files leave out what the alert's rule says.
 *
 * @module
 */

import { parse } from "yaml";
import type { Rule } from "./_rules.ts";

/** An alert that is expected to fire. */
interface Expected {
  readonly exp_labels: Readonly<Record<string, string>>;
  readonly exp_annotations?: Readonly<Record<string, string>>;
}

/** What is expected at a time. */
interface Case {
  readonly alertname?: string | undefined;
  readonly eval_time: string;
  readonly exp_alerts: readonly Expected[];
}

/** A file of promtool, as far as it is looked into. */
interface Cases {
  readonly tests: readonly { readonly alert_rule_test: readonly Case[] }[];
}

/**
 * A file's cases with the alert's name, and with the labels and annotations of its rule where the file has none.
 * An annotation with a value in it must be in the file: promtool expects the value.
 */
export function wholeCases(text: string, { alert, labels, annotations }: Rule): Cases {
  // Texts all: 0x4, a series of zeros, is no number.
  const file = parse(text, { schema: "failsafe" }) as Cases;
  const whole = ({ exp_labels, exp_annotations }: Expected) => ({
    exp_labels: { ...labels, ...exp_labels },
    exp_annotations: { ...annotations, runbook_url: `/user/${alert}.md`, ...exp_annotations },
  });
  const tests = file.tests.map((test) => ({
    ...test,
    alert_rule_test: test.alert_rule_test.map((one) => ({
      ...one,
      alertname: alert,
      exp_alerts: one.exp_alerts.map(whole),
    })),
  }));
  return { ...file, tests };
}

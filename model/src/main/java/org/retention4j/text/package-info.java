/** From text to tokens and back: tokenizers, sampling, generation, scoring. */
package org.retention4j.text;

/**
 * Models as LangChain4j sees them: {@link org.retention4j.langchain4j.RetentionChatModel}.
 *
 * <p>For users.
 */
package org.retention4j.langchain4j;

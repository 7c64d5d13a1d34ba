// What the peers have in common that are preloaded into a program and are a thread of it.
#pragma once

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void give_up(const char* what) {
  fprintf(stderr, "the peer in %s: %s: %s\n", program_invocation_short_name, what, strerror(errno));
  _exit(111);
}

/// Others that it is loaded into are none of its business.
static bool is_in_its_program(void) {
  const char* program = getenv("PROGRAM");
  return program != NULL && strcmp(program, program_invocation_short_name) == 0;
}

/// In `text`, \r and \n are written as a backslash and a letter. Returns how many bytes these were.
static size_t unescape(const char* text, char* into, size_t room) {
  size_t size = 0;
  for (; *text != '\0' && size < room; ++text) {
    char letter = *text;
    if (letter == '\\' && (text[1] == 'r' || text[1] == 'n')) letter = *++text == 'r' ? '\r' : '\n';
    into[size++] = letter;
  }
  return size;
}

/// It blocks every signal, so that those meant for the program reach the program's own threads.
static void start_thread(void* (*body)(void*)) {
  sigset_t all, before;
  pthread_t thread;
  sigfillset(&all);
  pthread_sigmask(SIG_SETMASK, &all, &before);
  errno = pthread_create(&thread, NULL, body, NULL);
  if (errno != 0) give_up("pthread_create");
  pthread_detach(thread);
  pthread_sigmask(SIG_SETMASK, &before, NULL);
}

// Calls a function on the main thread and on threads with stacks of different sizes, some of them one after another.
#include <pthread.h>
#include <stdio.h>

static int (*gowasmer_to_call)(void);

static void *gowasmer_thread(void *unused) {
  (void)unused;
  return gowasmer_to_call() ? (void *)1 : NULL;
}

static int works_everywhere(int (*works)(void)) {
  pthread_t threads[4];
  int i, all = 1;
  gowasmer_to_call = works;
  all = works();
  for (i = 0; i < 4; i++) {
    pthread_attr_t attributes;
    void *worked = NULL;
    pthread_attr_init(&attributes);
    pthread_attr_setstacksize(&attributes, (size_t)(256 << 10) << i);
    if (pthread_create(&threads[i], &attributes, gowasmer_thread, NULL) != 0) return 0;
    pthread_attr_destroy(&attributes);
    if (i % 2 == 0) continue;
    pthread_join(threads[i - 1], &worked);
    all = all && worked;
    pthread_join(threads[i], &worked);
    all = all && worked;
  }
  return all;
}

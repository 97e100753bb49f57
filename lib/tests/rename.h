/*
 * For the unit tests on the host: gives our string routines names of their own,
 * so that they stand beside the host's, which judge them. Forced in by
 * -include when the routines are compiled.
 */
#define memcpy	  ht_memcpy
#define memmove	  ht_memmove
#define memset	  ht_memset
#define memcmp	  ht_memcmp
#define memchr	  ht_memchr
#define memmem	  ht_memmem
#define strlen	  ht_strlen
#define strnlen	  ht_strnlen
#define strcmp	  ht_strcmp
#define strncmp	  ht_strncmp
#define strchr	  ht_strchr
#define strrchr	  ht_strrchr
#define strchrnul ht_strchrnul
#define strstr	  ht_strstr
#define strspn	  ht_strspn
#define strcspn	  ht_strcspn
#define strpbrk	  ht_strpbrk
#define strcpy	  ht_strcpy
#define strcat	  ht_strcat
#define strncpy	  ht_strncpy
#define strlcpy	  ht_strlcpy
#define strlcat	  ht_strlcat

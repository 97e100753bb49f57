# Hard links, rename, unlink.
. "$SUITE/lib.sh"

echo data >f; mkdir d e
t make
ln f g; stat -c %h f; cat g; [ f -ef g ]; rc; echo more >>g; cat f
t remove one
rm f; stat -c %h g; cat g; rm g; ls
t into a directory
echo x >f; ln f d; stat -c %h d/f; ln f e/other; stat -c %h f; rm d/f e/other
t errors
ln d dd 2>&1; rc; ln missing x 2>&1; rc; ln f d/no/x 2>&1; rc; ln f f 2>&1; rc; echo y >g; ln f g 2>&1; rc; ln -f f g; cat g
t other file system
ln f "$OTHER/xdev" 2>&1 | sed "s,$OTHER,OTHER,"; ls "$OTHER/xdev" 2>&1 | sed "s,$OTHER,OTHER,"
t mv across file systems copies
echo far >m; chmod 640 m; mv m "$OTHER/xmoved"; rc; cat "$OTHER/xmoved"; stat -c '%a %h' "$OTHER/xmoved"; ls m 2>&1; mv "$OTHER/xmoved" back; cat back
mkdir -p t/u; echo deep >t/u/v; ln -s u t/l; mv t "$OTHER/xtree"; rc; find "$OTHER/xtree" | sort | sed "s,$OTHER,OTHER,"; mv "$OTHER/xtree" t2; cat t2/l/v; ls "$OTHER/xtree" 2>&1 | sed "s,$OTHER,OTHER,"
t rename
mv f h; cat h; ls f 2>&1; mv h f
t rename over a file
echo new >n; mv n f; cat f; ls n 2>&1
t rename over its own link
ln f f2; mv f f2; ls f f2 2>&1; rm -f f; [ -e f2 ] && mv f2 f; cat f
t rename a directory
echo in >d/x; mv d dd; cat dd/x; mkdir d2; mv dd d2; cat d2/dd/x; mv d2/dd d
t rename errors
mv d d/sub 2>&1; rc; mv f d/x/y 2>&1; rc; mv missing z 2>&1; rc; mv -T d f 2>&1; rc; mv -T f d 2>&1; rc; mkdir full; echo x >full/y; mkdir full2; mv -T full2 full 2>&1; rc; mv -T full full2; ls full2
t link count of directories
mkdir p p/a p/b; stat -c %h p; mv p/a .; stat -c %h p; rmdir a p/b; stat -c %h p; mkdir q; mv q p; stat -c %h p
t dot-dot follows a moved directory
mkdir -p x/y z; (cd x/y; mv ../../x/y ../../z/y; cd -P ..; basename "$(pwd -P)")
t removed working directory
mkdir w; (cd w; rmdir ../w; ls; ls .. | head -n 1; echo x 2>&1 >f; sh -c 'echo >g' 2>&1; pwd -P 2>&1 | sed 's,.*/t/,,'; mkdir s 2>&1)
t unlink while open
echo open >u; { rm u; cat; } <u; ls u 2>&1
t unlink applet
echo x >u; unlink u; rc; unlink u 2>&1; rc; unlink d 2>&1; rc
t rm of a directory
rm e 2>&1; rc; rmdir e; rc; rmdir e 2>&1; rc; rmdir d 2>&1; rc; rmdir f 2>&1; rc; rmdir . 2>&1; rc
t swapped by three renames
echo 1 >s1; echo 2 >s2; mv s1 s3; mv s2 s1; mv s3 s2; cat s1 s2
t link count over four hundred renames
i=0; while [ $i -lt 200 ]; do mv s1 s4; mv s4 s1; i=$((i+1)); done; stat -c '%h %s' s1; cat s1
